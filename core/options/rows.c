/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows themselves, in the order in which --help shows them. */
#include "options/rows.h"

#define V(verb) (1u << VERB_##verb)
#define DUMPS (V(DUMP) | V(PRE_DUMP))
#define ENGINE (DUMPS | V(RESTORE))
#define DAEMONS (V(PAGE_SERVER) | V(LAZY_PAGES) | V(SERVICE))
/* Who has a connection for pages. */
#define WIRED (DUMPS | V(PAGE_SERVER) | V(LAZY_PAGES))
#define CPUINFO (V(CPUINFO_DUMP) | V(CPUINFO_CHECK))
#define IMAGES (ENGINE | CPUINFO | DAEMONS | V(INSPECT) | V(RECOVER) | V(DEDUP))
#define ALL (IMAGES | V(CHECK) | V(SWRK))

#define FIELD(name) .field = offsetof(struct options, name)
#define TAKES(what) .value = VALUE_NEEDED, .arg = what
#define MAY_TAKE(what) .value = VALUE_OPTIONAL, .arg = what
#define LATER(what) .state = OPTION_LATER, .belongs = what

static const struct option_choice manage_cgroups[] = {{"none", CGROUPS_NONE},
	{"props", CGROUPS_PROPS}, {"soft", CGROUPS_SOFT},
	{"full", CGROUPS_FULL}, {"strict", CGROUPS_STRICT},
	{"ignore", CGROUPS_IGNORE, .built = true}, {}};
static const struct option_choice network_lock[] = {
	{"iptables", NETWORK_LOCK_IPTABLES},
	{"nftables", NETWORK_LOCK_NFTABLES}, {"skip", NETWORK_LOCK_SKIP},
	{"none", NETWORK_LOCK_SKIP}, {}};
static const struct option_choice pre_dump_mode[] = {
	{"splice", PRE_DUMP_SPLICE}, {"read", PRE_DUMP_READ}, {}};
static const struct option_choice file_validation[] = {
	{"filesize", VALIDATE_SIZE}, {"buildid", VALIDATE_BUILDID}, {}};

static const char established[] = "established TCP connections";
static const char page_server[] = "the page server";
static const char mounts[] = "mount namespaces";
static const char cgroups[] = "cgroups";
static const char security[] = "security module labels";
static const char watches[] = "inotify and fanotify";

const struct option_row option_rows[] = {
	/* all verbs */
	{"help", 'h', OPTION_ACTION, .verbs = ALL, .read = option_read_help,
		.cli_only = true,
		.help = "show this, or what VERB takes, and exit"},
	{"version", 'V', OPTION_ACTION, .verbs = ALL, .cli_only = true,
		.read = option_read_version, .help = "show versions and exit"},
	{"verbosity", 'v', OPTION_OWN, MAY_TAKE("N"), .verbs = ALL, .rpc = 9,
		.read = option_read_verbosity,
		.help = "log more; or level N: 0 none, 1 errors, 2 warnings, "
			"3 what is done, 4 everything"},
	{"log-file", 'o', OPTION_TEXT, TAKES("FILE"), .verbs = ALL, .rpc = 10,
		FIELD(log_file),
		.help = "log to FILE in the work directory, not to stderr"},
	{"images-dir", 'D', OPTION_TEXT, TAKES("DIR"), .verbs = ALL, .rpc = 68,
		FIELD(images_dir),
		.help = "directory of the images (.); -: standard output or "
			"input"},
	{"work-dir", 'W', OPTION_TEXT, TAKES("DIR"), .verbs = ALL, .rpc = 17,
		FIELD(work_dir),
		.help = "directory of log, statistics and pidfile (that of the "
			"images)"},
	{"config", 0, OPTION_TEXT, TAKES("FILE"), .verbs = ALL,
		FIELD(config_file), .cli_only = true,
		.help = "read options from FILE, not from the default files"},
	{"no-default-config", 0, OPTION_FLAG, .verbs = ALL, .cli_only = true,
		FIELD(no_default_config),
		.help = "do not read the default configuration files"},
	{"unprivileged", 0, OPTION_BOOL, .verbs = ALL, .rpc = 67,
		FIELD(unprivileged),
		.help = "run without root, with CAP_CHECKPOINT_RESTORE"},
	{"close", 0, OPTION_OWN, TAKES("FD"), .verbs = ALL, .cli_only = true,
		.read = option_read_close, .help = "close FD first of all"},
	{"deprecated", 0, OPTION_BOOL, .state = OPTION_HARMLESS, .verbs = ALL,
		FIELD(deprecated), .help = "nothing of ours is deprecated yet"},
	{"libdir", 'L', OPTION_TEXT, TAKES("DIR"), .verbs = ALL, FIELD(libdir),
		LATER("plugins"), .help = "where plugins are"},

	/* dump and restore */
	{"tree", 't', OPTION_NUMBER, TAKES("PID"), .verbs = ENGINE, FIELD(tree),
		.min = 1, .max = INT32_MAX, .rpc = 2,
		.help = "root of the process tree to dump"},
	{"leave-stopped", 's', OPTION_FLAG, .verbs = ENGINE,
		FIELD(leave_stopped), .rpc = 69,
		.help = "leave the tasks stopped at the end"},
	{"action-script", 0, OPTION_LIST, TAKES("FILE"), .rpc = 12,
		.verbs = ENGINE | DAEMONS, FIELD(action_scripts),
		.help = "program to run at each stage; may be repeated"},
	{"shell-job", 'j', OPTION_BOOL, .verbs = ENGINE, FIELD(shell_job),
		.rpc = 7,
		.help = "allow tasks whose session leader is outside the tree"},
	{"ghost-limit", 0, OPTION_SIZE, TAKES("SIZE"), .verbs = ENGINE,
		FIELD(ghost_limit), .rpc = 35,
		.help = "biggest unlinked file to store (1M)"},
	{"ghost-fiemap", 0, OPTION_BOOL, .state = OPTION_HARMLESS,
		.verbs = ENGINE, FIELD(ghost_fiemap),
		.help = "find holes of unlinked files; always done"},
	{"file-validation", 0, OPTION_CHOICE, TAKES("HOW"), .verbs = ENGINE,
		FIELD(file_validation), .choices = file_validation,
		.help = "how to tell that a mapped file is still the same: "
			"filesize or buildid"},
	{"skip-file-rwx-check", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 66,
		FIELD(skip_file_rwx_check),
		.help = "restore files whose permissions have changed"},
	{"allow-grown-files", 0, OPTION_BOOL, .ours = true, .verbs = ENGINE,
		FIELD(allow_grown_files),
		.help = "restore files that have become longer"},
	{"evasive-devices", 0, OPTION_BOOL, .state = OPTION_HARMLESS,
		.verbs = ENGINE, FIELD(evasive_devices), .rpc = 6,
		.help = "devices are always reopened by their path"},
	{"display-stats", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 70,
		FIELD(display_stats), .help = "show times and page counts"},
	{"root", 'r', OPTION_TEXT, TAKES("PATH"), .verbs = ENGINE, FIELD(root),
		.rpc = 13, .help = "where the root of the tasks is mounted"},
	{"fail-at", 0, OPTION_TEXT, .ours = true, TAKES("STEP"),
		.verbs = ENGINE, FIELD(fail_at), .cli_only = true,
		.help = "for tests: let STEP fail; 'list' shows the steps"},

	{"external", 0, OPTION_OWN, TAKES("RES"), .verbs = ENGINE, .rpc = 37,
		.read = option_read_external,
		.help = "what somebody outside of the tree will give back: "
			"pipe:[INODE] or file[MOUNT:INODE]; may be repeated"},

	/* dump */
	{"leave-running", 'R', OPTION_FLAG, .verbs = DUMPS, .rpc = 3,
		FIELD(leave_running), .help = "let the tasks run on"},
	{"freeze-cgroup", 0, OPTION_TEXT, TAKES("PATH"), .verbs = DUMPS,
		FIELD(freeze_cgroup), .rpc = 44,
		.help = "freeze the tree with this cgroup, and leave it as it "
			"was"},
	{"timeout", 0, OPTION_NUMBER, TAKES("SECONDS"), .verbs = ENGINE,
		FIELD(timeout), .max = 1000000, .rpc = 45,
		.help = "give up freezing after SECONDS (10); 0: never"},

	/* restore */
	{"restore-detached", 'd', OPTION_BOOL, .verbs = V(RESTORE) | DAEMONS,
		FIELD(restore_detached),
		.help = "do not wait for the restored tasks"},
	{"daemon", 0, OPTION_BOOL, .verbs = V(RESTORE) | DAEMONS,
		FIELD(restore_detached),
		.help = "another name of --restore-detached"},
	{"restore-sibling", 'S', OPTION_BOOL, .verbs = V(RESTORE), .rpc = 26,
		FIELD(restore_sibling),
		.help = "with -d: the root task becomes a child of our parent"},
	{"inherit-fd", 0, OPTION_OWN, TAKES("fd[N]:RES"), .verbs = V(RESTORE),
		.read = option_read_inherit, .rpc = 27,
		.help = "our fd N takes the place of a file: pipe:[INODE], "
			"socket:[INODE], /memfd:NAME, or a path without its "
			"first slash"},
	{"pidfile", 0, OPTION_TEXT, TAKES("FILE"), FIELD(pidfile),
		.verbs = V(RESTORE) | DAEMONS,
		.help = "write the pid of the root task to FILE"},
	{"exec-cmd", 0, OPTION_FLAG, .verbs = V(RESTORE), .rpc = 22,
		FIELD(exec_cmd), .cli_only = true,
		.help = "become CMD after the restore: --exec-cmd -- CMD..."},
	{"log-pid", 0, OPTION_BOOL, .state = OPTION_HARMLESS,
		.verbs = V(RESTORE), FIELD(log_pid),
		.help = "there is one log for all tasks"},
	{"plan", 0, OPTION_FLAG, .ours = true, .verbs = V(RESTORE), FIELD(plan),
		.cli_only = true,
		.help = "show what would be done, and do nothing"},

	/* check */
	{"feature", 0, OPTION_LIST, TAKES("NAME"), .verbs = V(CHECK),
		FIELD(features), .cli_only = true,
		.help = "only this feature; may be repeated"},
	{"extra", 0, OPTION_BOOL, .verbs = V(CHECK), FIELD(check_extra),
		.help = "also what only some tasks need"},
	{"experimental", 0, OPTION_BOOL, .verbs = V(CHECK),
		FIELD(check_experimental),
		.help = "also what only makes things faster"},
	{"all", 0, OPTION_FLAG, .verbs = V(CHECK), FIELD(check_all),
		.help = "everything"},

	/* inspect */
	{"json", 0, OPTION_FLAG, .ours = true,
		.verbs = V(INSPECT) | V(CPUINFO_CHECK), FIELD(json),
		.cli_only = true, .help = "for programs"},
	{"stacks", 0, OPTION_FLAG, .ours = true, .verbs = V(INSPECT),
		FIELD(stacks), .cli_only = true,
		.help = "with the call chain of each thread"},

	/* service */
	{"allow-users", 0, OPTION_TEXT, .ours = true, TAKES("USER,.."),
		.verbs = V(SERVICE), FIELD(allow_users),
		.help = "who may use the service besides root, each with his "
			"own rights"},
	{"allow-group", 0, OPTION_TEXT, .ours = true, TAKES("GROUP"),
		.verbs = V(SERVICE), FIELD(allow_group),
		.help = "the same for the members of a group"},
	{"max-workers", 0, OPTION_NUMBER, .ours = true, TAKES("N"),
		.verbs = V(SERVICE), FIELD(max_workers), .min = 1, .max = 10000,
		.help = "requests at once (16); a quarter of them for one user "
			"who is not root"},
	{"request-timeout", 0, OPTION_NUMBER, .ours = true, TAKES("SECONDS"),
		.verbs = V(SERVICE), FIELD(request_timeout), .max = 1000000,
		.help = "give up a request after SECONDS (120); 0: never"},
	{"status-fd", 0, OPTION_NUMBER, TAKES("FD"), .verbs = ENGINE | DAEMONS,
		FIELD(status_fd), .max = INT32_MAX, .rpc = 49,
		.help = "write a byte to FD when others may connect"},

	/* machine */
	{"cpu-cap", 0, OPTION_OWN, MAY_TAKE("CAP,.."), .rpc = 20,
		.verbs = ENGINE | CPUINFO, .read = option_read_cpu_cap,
		.help = "what the CPU must have: fpu, ins, cpu, all, none; ^ "
			"in front takes away"},
	{"against", 0, OPTION_LIST, .ours = true, TAKES("FILE|DIR.."),
		.verbs = V(CPUINFO_CHECK), FIELD(against), .cli_only = true,
		.help = "compare these hosts with one another"},
	{"file-locks", 'l', OPTION_BOOL, .verbs = ENGINE, .rpc = 8,
		FIELD(file_locks),
		.help = "dump file locks and leases, too (a restore always "
			"takes those of the images)"},

	/* known, not built yet: files */
	{"link-remap", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 18,
		FIELD(link_remap), LATER("files that have lost their name"),
		.help = "give such files a temporary name"},
	{"force-irmap", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 21,
		FIELD(force_irmap), LATER(watches),
		.help = "search for the names of watched files"},
	{"irmap-scan-path", 0, OPTION_LIST, TAKES("PATH"), .verbs = ENGINE,
		FIELD(irmap_scan_paths), LATER(watches), .rpc = 36,
		.help = "where to search for them"},
	{"ext-unix-sk", 'x', OPTION_OWN, MAY_TAKE("INODE,.."), .rpc = 4,
		.verbs = ENGINE, .read = option_read_ext_unix,
		.help = "allow unix sockets whose peer is outside"},

	/* network */
	{"tcp-established", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 5,
		FIELD(tcp_established), LATER(established),
		.help = "dump and restore established connections"},
	{"skip-in-flight", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 46,
		FIELD(skip_in_flight), LATER(established),
		.help = "leave out connections that are just being made"},
	{"tcp-close", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 52,
		FIELD(tcp_close), LATER(established),
		.help = "restore connections as closed ones"},
	{"network-lock", 0, OPTION_CHOICE, TAKES("HOW"), .verbs = ENGINE,
		FIELD(network_lock), .choices = network_lock, .rpc = 64,
		LATER(established), .help = "iptables, nftables or skip"},
	{"weak-sysctls", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 47,
		FIELD(weak_sysctls), LATER("network namespaces"),
		.help = "go on when a sysctl cannot be set"},
	{"veth-pair", 0, OPTION_PAIRS, TAKES("IN=OUT"), .verbs = ENGINE,
		FIELD(veth_pairs), .separator = '=', .rpc = 19,
		LATER("network namespaces"), .help = "names of veth ends"},
	{"empty-ns", 0, OPTION_OWN, TAKES("net"), .verbs = ENGINE, .rpc = 38,
		.read = option_read_empty_ns, LATER("network namespaces"),
		.help = "make the namespace, but not what is in it"},
	{"join-ns", 'J', OPTION_PAIRS, TAKES("NS:PID|FILE[,OPT]"), .rpc = 39,
		.verbs = ENGINE, FIELD(join_ns), .separator = ':',
		LATER("namespaces"), .help = "restore into this namespace"},

	/* mounts */
	{"ext-mount-map", 'M', OPTION_OWN, TAKES("KEY:VALUE|auto"), .rpc = 23,
		.verbs = ENGINE, .read = option_read_ext_mount, LATER(mounts),
		.help = "a mount from outside"},
	{"enable-external-sharing", 0, OPTION_FLAG, .verbs = ENGINE, .rpc = 29,
		FIELD(external_sharing), LATER(mounts),
		.help = "with -M auto: shared mounts too"},
	{"enable-external-masters", 0, OPTION_FLAG, .verbs = ENGINE, .rpc = 30,
		FIELD(external_masters), LATER(mounts),
		.help = "with -M auto: slave mounts too"},
	{"skip-mnt", 0, OPTION_LIST, TAKES("PATH"), .verbs = ENGINE, .rpc = 31,
		FIELD(skip_mounts), LATER(mounts), .help = "leave out a mount"},
	{"enable-fs", 0, OPTION_LIST, TAKES("FS,.."), .verbs = ENGINE,
		FIELD(enable_fs), LATER(mounts), .rpc = 32,
		.help = "take these filesystems for restorable"},
	{"mntns-compat-mode", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 65,
		FIELD(mntns_compat_mode), LATER(mounts),
		.help = "use the old way to make mounts"},

	/* cgroups, security modules */
	{"manage-cgroups", 0, OPTION_CHOICE, MAY_TAKE("MODE"), .rpc = 34,
		.verbs = ENGINE, FIELD(manage_cgroups),
		.choices = manage_cgroups, LATER(cgroups),
		.help = "none, props, soft, full, strict or ignore"},
	{"cgroup-root", 0, OPTION_PAIRS, TAKES("[CTL:]PATH"), .rpc = 25,
		.verbs = ENGINE, FIELD(cgroup_roots), .separator = ':',
		LATER(cgroups), .help = "restore below this cgroup"},
	{"cgroup-props", 0, OPTION_TEXT, TAKES("TEXT"), .verbs = ENGINE,
		FIELD(cgroup_props), LATER(cgroups), .rpc = 41,
		.help = "which properties to store"},
	{"cgroup-props-file", 0, OPTION_TEXT, TAKES("FILE"), .verbs = ENGINE,
		FIELD(cgroup_props_file), LATER(cgroups), .rpc = 42,
		.help = "the same from a file"},
	{"cgroup-dump-controller", 0, OPTION_LIST, TAKES("NAME"), .rpc = 43,
		.verbs = ENGINE, FIELD(cgroup_dump_controllers), LATER(cgroups),
		.help = "store only these controllers"},
	{"cgroup-yard", 0, OPTION_TEXT, TAKES("DIR"), .verbs = ENGINE,
		FIELD(cgroup_yard), LATER(cgroups), .rpc = 60,
		.help = "where cgroups are mounted"},
	{"lsm-profile", 0, OPTION_PAIRS, TAKES("TYPE:NAME"), .verbs = ENGINE,
		FIELD(lsm_profiles), .separator = ':', LATER(security),
		.rpc = 53, .help = "restore with this label"},
	{"lsm-mount-context", 0, OPTION_TEXT, TAKES("CTX"), .verbs = ENGINE,
		FIELD(lsm_mount_context), LATER(security), .rpc = 63,
		.help = "mount with this label"},

	/* memory */
	{"track-mem", 0, OPTION_BOOL, .verbs = ENGINE, .rpc = 15,
		FIELD(track_mem),
		.help = "track changes of memory from now on"},
	{"prev-images-dir", 0, OPTION_TEXT, TAKES("DIR"),
		.verbs = ENGINE | V(PAGE_SERVER), FIELD(prev_images_dir),
		.rpc = 14, .help = "store only what changed since that dump"},
	{"auto-dedup", 0, OPTION_BOOL, .verbs = ENGINE | V(PAGE_SERVER),
		FIELD(auto_dedup), .rpc = 16,
		.help = "free old copies of pages"},
	{"pre-dump-mode", 0, OPTION_CHOICE, TAKES("MODE"), .verbs = DUMPS,
		FIELD(pre_dump_mode), .choices = pre_dump_mode, .rpc = 61,
		.help = "splice or read: noted, all is read"},
	{"page-server", 0, OPTION_BOOL,
		.verbs = ENGINE | V(LAZY_PAGES) | V(PAGE_SERVER),
		FIELD(page_server), LATER(page_server), .rpc = 11,
		.built_for = DUMPS | V(PAGE_SERVER) | V(LAZY_PAGES),
		.help = "send pages to a page server, or bring them from it"},
	{"address", 0, OPTION_TEXT, TAKES("ADDR"), .verbs = DUMPS | DAEMONS,
		FIELD(address), LATER(page_server),
		.built_for =
			V(SERVICE) | DUMPS | V(PAGE_SERVER) | V(LAZY_PAGES),
		.help = "address of the server"},
	{"port", 0, OPTION_NUMBER, TAKES("PORT"), .verbs = DUMPS | DAEMONS,
		FIELD(port), .min = 1, .max = 65535, LATER(page_server),
		.built_for = DUMPS | V(PAGE_SERVER) | V(LAZY_PAGES),
		.help = "its port"},
	{"ps-socket", 0, OPTION_NUMBER, TAKES("FD"), .verbs = DUMPS | DAEMONS,
		FIELD(ps_fd), .max = INT32_MAX, LATER(page_server),
		.built_for = DUMPS | V(PAGE_SERVER) | V(LAZY_PAGES),
		.help = "a connected socket instead"},
	{"lazy-pages", 0, OPTION_FLAG, .verbs = ENGINE | V(PAGE_SERVER),
		FIELD(lazy_pages), .rpc = 48,
		.help = "restore: bring pages when they are touched; dump, "
			"page server: keep them for who does so"},
	{"stream", 0, OPTION_BOOL, .verbs = ENGINE | V(CPUINFO_DUMP),
		FIELD(stream), .help = "through criu-image-streamer"},
	{"tls", 0, OPTION_BOOL, .verbs = WIRED, FIELD(tls), .rpc = 58,
		.help = "encrypt"},
	{"tls-cacert", 0, OPTION_TEXT, TAKES("FILE"), .verbs = WIRED,
		FIELD(tls_cacert), .rpc = 54,
		.help = "certificate of the authority"},
	{"tls-cacrl", 0, OPTION_TEXT, TAKES("FILE"), .verbs = WIRED,
		FIELD(tls_cacrl), .rpc = 55, .help = "its revocation list"},
	{"tls-cert", 0, OPTION_TEXT, TAKES("FILE"), .verbs = WIRED,
		FIELD(tls_cert), .rpc = 56, .help = "our certificate"},
	{"tls-key", 0, OPTION_TEXT, TAKES("FILE"), .verbs = WIRED,
		FIELD(tls_key), .rpc = 57, .help = "our key"},
	{"tls-no-cn-verify", 0, OPTION_FLAG, .verbs = WIRED,
		FIELD(tls_no_cn_verify), .rpc = 59,
		.help = "any name in the certificate will do"},

	/* machine */
	{"allow-uprobes", 0, OPTION_BOOL, .verbs = ENGINE, FIELD(allow_uprobes),
		LATER("tasks with uprobes"),
		.help = "dump tasks in which probes are set"},
	{"ms", 0, OPTION_FLAG, .state = OPTION_REFUSED, .verbs = ALL,
		.help = "gone since long; use check with --extra"},
	{}};

const struct verb_row verb_rows[VERBS] = {
	[VERB_DUMP] = {"dump", "freeze a process tree into images", NULL},
	[VERB_PRE_DUMP] = {"pre-dump", "store memory while the tasks run",
		NULL},
	[VERB_RESTORE] = {"restore", "bring a process tree back", NULL},
	[VERB_CHECK] = {"check", "tell whether this kernel has what is needed",
		NULL},
	[VERB_INSPECT] = {"inspect", "show what an image directory holds",
		NULL},
	[VERB_RECOVER] = {"recover",
		"take back what a killed engine left behind", NULL},
	[VERB_CPUINFO_DUMP] = {"cpuinfo dump", "store what this CPU can do",
		NULL},
	[VERB_CPUINFO_CHECK] = {"cpuinfo check",
		"compare this CPU with stored ones", NULL},
	[VERB_PAGE_SERVER] = {"page-server", "receive pages over the network",
		NULL},
	[VERB_LAZY_PAGES] = {"lazy-pages", "bring pages when they are touched",
		NULL},
	[VERB_SERVICE] = {"service", "serve RPC requests", NULL},
	[VERB_SWRK] = {"swrk", "serve RPC requests on an inherited socket",
		NULL},
	[VERB_DEDUP] = {"dedup", "free pages that a later dump has again",
		NULL},
};
