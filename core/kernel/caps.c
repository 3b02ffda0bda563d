/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/caps.h"

#include <sys/syscall.h>
#include <unistd.h>

int caps_read(struct caps *ret, struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2] = {0};

	if (syscall(SYS_capget, &head, half))
		return err_errno(err, "reading our own capabilities");
	*ret = (struct caps){
		.effective = half[0].effective | (uint64_t)half[1].effective
							 << 32,
		.permitted = half[0].permitted | (uint64_t)half[1].permitted
							 << 32,
		.inheritable = half[0].inheritable |
			       (uint64_t)half[1].inheritable << 32,
	};
	return 0;
}

int caps_keep_only(uint64_t keep, struct err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2] = {0};
	struct caps caps;
	int code = caps_read(&caps, err);

	if (code)
		return code;
	keep &= caps.permitted;
	for (int i = 0; i < 2; i++)
		half[i].permitted = half[i].effective =
			(uint32_t)(keep >> (32 * i));
	if (syscall(SYS_capset, &head, half))
		return err_errno(err, "giving up capabilities");
	return 0;
}

bool caps_have(int cap)
{
	struct caps caps;

	return cap >= 0 && cap < 64 && !caps_read(&caps, ERR_UNREAD) &&
	       caps.effective & 1ull << cap;
}

const char *caps_name(int cap)
{
	static const char *const names[] = {
		"CAP_CHOWN",
		"CAP_DAC_OVERRIDE",
		"CAP_DAC_READ_SEARCH",
		"CAP_FOWNER",
		"CAP_FSETID",
		"CAP_KILL",
		"CAP_SETGID",
		"CAP_SETUID",
		"CAP_SETPCAP",
		"CAP_LINUX_IMMUTABLE",
		"CAP_NET_BIND_SERVICE",
		"CAP_NET_BROADCAST",
		"CAP_NET_ADMIN",
		"CAP_NET_RAW",
		"CAP_IPC_LOCK",
		"CAP_IPC_OWNER",
		"CAP_SYS_MODULE",
		"CAP_SYS_RAWIO",
		"CAP_SYS_CHROOT",
		"CAP_SYS_PTRACE",
		"CAP_SYS_PACCT",
		"CAP_SYS_ADMIN",
		"CAP_SYS_BOOT",
		"CAP_SYS_NICE",
		"CAP_SYS_RESOURCE",
		"CAP_SYS_TIME",
		"CAP_SYS_TTY_CONFIG",
		"CAP_MKNOD",
		"CAP_LEASE",
		"CAP_AUDIT_WRITE",
		"CAP_AUDIT_CONTROL",
		"CAP_SETFCAP",
		"CAP_MAC_OVERRIDE",
		"CAP_MAC_ADMIN",
		"CAP_SYSLOG",
		"CAP_WAKE_ALARM",
		"CAP_BLOCK_SUSPEND",
		"CAP_AUDIT_READ",
		"CAP_PERFMON",
		"CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	};

	if (cap < 0 || (size_t)cap >= sizeof(names) / sizeof(names[0]))
		return "an unknown capability";
	return names[cap];
}
