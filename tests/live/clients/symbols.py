# SPDX-License-Identifier: GPL-2.0-or-later
"""symbols: the functions that libcriu.so.2 has, as its users know them."""

# criu_NAME and criu_local_NAME
TWINS = """
add_cg_root add_enable_fs add_ext_mount add_external add_inherit_fd
add_irmap_path add_skip_mnt add_unix_sk add_veth_pair check check_version
dump dump_iters feature_check free_opts get_version init_opts join_ns_add
pre_dump restore restore_child set_auto_dedup set_auto_ext_mnt
set_config_file set_cpu_cap set_empty_ns set_evasive_devices set_exec_cmd
set_ext_masters set_ext_sharing set_ext_unix_sk set_file_locks
set_force_irmap set_freeze_cgroup set_ghost_limit set_images_dir_fd
set_leave_running set_link_remap set_log_file set_log_level
set_lsm_mount_context set_lsm_profile set_manage_cgroups
set_manage_cgroups_mode set_mntns_compat_mode set_network_lock set_notify_cb
set_orphan_pts_master set_page_server_address_port set_parent_images set_pid
set_pidfd_store_sk set_pre_dump_mode set_root set_service_address
set_service_binary set_service_fd set_shell_job set_skip_file_rwx_check
set_tcp_close set_tcp_established set_tcp_skip_in_flight set_timeout
set_track_mem set_unprivileged set_weak_sysctls set_work_dir_fd
""".split()

# criu_NAME alone
GLOBAL_ONLY = """
get_orphan_pts_master_fd notify_pid
""".split()

# criu_local_NAME alone
LOCAL_ONLY = """
add_cg_dump_controller add_cg_props add_cg_props_file add_cg_yard
""".split()

FUNCTIONS = {f"criu_{name}" for name in TWINS + GLOBAL_ONLY} | \
    {f"criu_local_{name}" for name in TWINS + LOCAL_ONLY} | \
    {"criu_free_service"}  # exported, though in no header

# Messages whose functions (NAME__init and so on) programs may call.
MESSAGES = """
cgroup_root criu_dump_resp criu_features criu_notify criu_opts
criu_page_server_info criu_req criu_resp criu_restore_resp criu_version
criu_veth_pair ext_mount_map inherit_fd join_namespace unix_sk
""".split()
ENUMS = """
criu_cg_mode criu_network_lock_method criu_pre_dump_mode criu_req_type
""".split()
PER_MESSAGE = """
descriptor free_unpacked get_packed_size init pack pack_to_buffer unpack
""".split()
SYMBOLS = FUNCTIONS | {f"{m}__{f}" for m in MESSAGES for f in PER_MESSAGE} | \
    {f"{enum}__descriptor" for enum in ENUMS}
