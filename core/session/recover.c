/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/recover.h"

#include "dump/keeper.h"
#include "image/leftover.h"

int recover_dir(struct arena *arena, int dir, undo_tell_fn *tell, void *of,
	struct err *err)
{
	int code = undo_play_back(arena, dir, NULL, tell, of, err);
	int also =
		leftovers_remove(arena, dir, tell, of, code ? ERR_UNREAD : err);

	if (keeper_sweep(dir))
		tell(of, "the socket of a keeper that was killed is removed");
	return code ?: also;
}
