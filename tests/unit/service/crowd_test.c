/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who finds room in the service, and who is late. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/crowd.h"
#include "test.h"

enum { USER = 1000 };

static void crowd_fill(struct arena *arena, struct crowd *crowd, size_t n,
	uid_t uid, enum guest guest)
{
	while (n--)
		crowd_add(arena, crowd,
			(struct crowd_member){
				.pid = -1, .uid = uid++, .guest = guest});
}

/* How many more find room until one does not. */
static size_t crowd_room(struct arena *arena, struct crowd *crowd, uid_t uid,
	uid_t step, enum guest guest)
{
	size_t n = 0;

	while (!crowd_check_room(crowd, uid, guest, ERR_UNREAD)) {
		crowd_fill(arena, crowd, 1, uid, guest);
		uid += step;
		n++;
	}
	return n;
}

TEST(one_guest_gets_a_quarter)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};
	struct err err = {0};

	CHECK_INT(crowd_room(arena, &crowd, USER, 0, GUEST_INVITED), 2);
	CHECK_INT(crowd_check_room(&crowd, USER, GUEST_INVITED, &err), -EAGAIN);
	CHECK(strstr(err.text, "busy"));
	CHECK_INT(crowd_check_room(&crowd, USER + 1, GUEST_INVITED, ERR_UNREAD),
		0);
}

TEST(all_guests_together_leave_a_quarter_to_root)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};

	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_INVITED), 6);
	CHECK_INT(crowd_room(arena, &crowd, 0, 0, GUEST_TRUSTED), 2);
}

TEST(the_uninvited_get_a_quarter_whatever_their_ids)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};

	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_UNINVITED), 2);
	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_INVITED), 4);
}

TEST(members_of_the_group_get_half_whatever_their_ids)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};

	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_MEMBER), 4);
	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_UNINVITED), 0);
	CHECK_INT(crowd_room(arena, &crowd, 99, 0, GUEST_INVITED), 2);
	CHECK_INT(crowd_room(arena, &crowd, 0, 0, GUEST_TRUSTED), 2);
}

TEST(one_member_of_the_group_gets_a_quarter)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};

	CHECK_INT(crowd_room(arena, &crowd, USER, 0, GUEST_MEMBER), 2);
	CHECK_INT(crowd_room(arena, &crowd, USER + 1, 0, GUEST_MEMBER), 2);
	CHECK_INT(crowd_room(arena, &crowd, USER + 2, 0, GUEST_MEMBER), 0);
}

TEST(root_takes_room_from_guests)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 4};

	CHECK_INT(crowd_room(arena, &crowd, 0, 0, GUEST_TRUSTED), 4);
	CHECK_INT(crowd_room(arena, &crowd, USER, 1, GUEST_INVITED), 0);
}

TEST(a_small_service_has_room_for_a_guest_and_for_root)
{
	for (size_t most = 1; most < 4; most++) {
		_cleanup_arena_ struct arena *arena = arena_new();
		struct crowd crowd = {.most = most};

		CHECK(crowd_room(arena, &crowd, USER, 1, GUEST_INVITED));
		CHECK(most == 1 ||
			crowd_room(arena, &crowd, 0, 0, GUEST_TRUSTED));
	}
}

TEST(who_ends_makes_room)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 1};
	struct err err;

	crowd_add(arena, &crowd,
		(struct crowd_member){.pid = 77, .guest = GUEST_INVITED});
	CHECK_INT(crowd_check_room(&crowd, 0, GUEST_TRUSTED, &err), -EAGAIN);
	crowd_remove(&crowd, 78);
	CHECK_INT(crowd_check_room(&crowd, 0, GUEST_TRUSTED, &err), -EAGAIN);
	crowd_remove(&crowd, 77);
	CHECK_INT(crowd_check_room(&crowd, 0, GUEST_TRUSTED, ERR_UNREAD), 0);
}

static pid_t sleeper_new(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

TEST(who_is_late_is_killed_unless_trusted)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8, .limit_ms = 500};
	pid_t guest = sleeper_new(), root = sleeper_new();
	int status;

	CHECK_INT(crowd_kill_late(&crowd, 0), -1);
	crowd_add(arena, &crowd,
		(struct crowd_member){.pid = root, .guest = GUEST_TRUSTED});
	CHECK_INT(crowd_kill_late(&crowd, 5000), -1);
	crowd_add(arena, &crowd,
		(struct crowd_member){.pid = guest,
			.guest = GUEST_INVITED,
			.since_ms = 1000});
	CHECK_INT(crowd_kill_late(&crowd, 1200), 300);
	CHECK_INT(waitpid(guest, &status, WNOHANG), 0);
	CHECK(crowd_kill_late(&crowd, 1500) > 0);
	CHECK_INT(waitpid(guest, &status, 0), guest);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(waitpid(root, &status, WNOHANG), 0);
	kill(root, SIGKILL);
	waitpid(root, &status, 0);
}

TEST(without_a_limit_nobody_is_late)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct crowd crowd = {.most = 8};

	crowd_add(arena, &crowd, (struct crowd_member){.guest = GUEST_INVITED});
	CHECK_INT(crowd_kill_late(&crowd, 1000000), -1);
}
