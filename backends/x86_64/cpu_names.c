/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/cpu.h"

/* The names are those of /proc/cpuinfo; bits by the CPUID manuals. */

static const char *const names_1_edx[32] = {"fpu", "vme", "de", "pse", "tsc",
	"msr", "pae", "mce", "cx8", "apic", [11] = "sep", "mtrr", "pge", "mca",
	"cmov", "pat", "pse36", "pn", "clflush", [21] = "dts", "acpi", "mmx",
	"fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe"};

static const char *const names_80000001_edx[32] = {[11] = "syscall",
	[19] = "mp",
	"nx",
	[22] = "mmxext",
	[25] = "fxsr_opt",
	"pdpe1gb",
	"rdtscp",
	[29] = "lm",
	"3dnowext",
	"3dnow"};

static const char *const names_linux_1[32] = {
	[16] = "rep_good", [20] = "nopl", [25] = "cpuid"};

static const char *const names_1_ecx[32] = {"pni", "pclmulqdq", "dtes64",
	"monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg",
	"fma", "cx16", "xtpr", "pdcm", [17] = "pcid", "dca", "sse4_1", "sse4_2",
	"x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave",
	"osxsave", "avx", "f16c", "rdrand", "hypervisor"};

static const char *const names_80000001_ecx[32] = {"lahf_lm", "cmp_legacy",
	"svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse",
	"3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", [15] = "lwp",
	"fma4", "tce", [19] = "nodeid_msr", [21] = "tbm", "topoext",
	"perfctr_core", "perfctr_nb", [26] = "bpext", "ptsc", "perfctr_llc",
	"mwaitx"};

static const char *const names_7_0_ebx[32] = {"fsgsbase",
	"tsc_adjust", [3] = "bmi1", "hle", "avx2", [7] = "smep", "bmi2", "erms",
	"invpcid", "rtm", "cqm", [14] = "mpx", "rdt_a", "avx512f", "avx512dq",
	"rdseed", "adx", "smap", "avx512ifma", [23] = "clflushopt", "clwb",
	"intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw",
	"avx512vl"};

static const char *const names_d_1_eax[32] = {
	"xsaveopt", "xsavec", "xgetbv1", "xsaves", "xfd"};

static const char *const names_7_0_ecx[32] = {"prefetchwt1", "avx512vbmi",
	"umip", "pku", "ospke", "waitpkg", "avx512_vbmi2", "shstk", "gfni",
	"vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg", "tme",
	"avx512_vpopcntdq", [16] = "la57", [22] = "rdpid",
	[24] = "bus_lock_detect", "cldemote", [27] = "movdiri", "movdir64b",
	"enqcmd"};

static const char *const names_80000008_ebx[32] = {"clzero", "irperf",
	"xsaveerptr", [4] = "rdpru", [9] = "wbnoinvd", [12] = "ibpb",
	[14] = "ibrs", "stibp", [24] = "ssbd", "virt_ssbd"};

static const char *const names_7_0_edx[32] = {[2] = "avx512_4vnniw",
	"avx512_4fmaps",
	"fsrm",
	"uintr",
	[8] = "avx512_vp2intersect",
	[10] = "md_clear",
	"rtm_always_abort",
	[14] = "serialize",
	[16] = "tsxldtrk",
	[18] = "pconfig",
	"arch_lbr",
	"ibt",
	[22] = "amx_bf16",
	"avx512_fp16",
	"amx_tile",
	"amx_int8",
	"spec_ctrl",
	"intel_stibp",
	"flush_l1d",
	"arch_capabilities",
	"core_capabilities",
	"spec_ctrl_ssbd"};

static const char *const names_7_1_eax[32] = {"sha512", "sm3", "sm4", "rao_int",
	"avx_vnni", "avx512_bf16", "lass", "cmpccxadd",
	"arch_perfmon_ext", [10] = "fzrm", "fsrs", "fsrc", [17] = "fred",
	"lkgs", "wrmsrns", "nmi_src", "amx_fp16", "hreset",
	"avx_ifma", [26] = "lam", "msrlist", [31] = "movrs"};

static const char *const names_7_1_edx[32] = {[4] = "avx_vnni_int8",
	"avx_ne_convert",
	[8] = "amx_complex",
	[10] = "avx_vnni_int16",
	[14] = "prefetchi",
	"user_msr",
	[19] = "avx10",
	[21] = "apx_f"};

#define B(bit) (UINT64_C(1) << (bit))

/* The instruction bits are the ones that other engines compare, and what they
 * forgot or do not know yet: fma, lahf_lm, clwb, avx512ifma, the direct stores,
 * and what came with Sapphire Rapids and its kin. Moot are: mmxext (the part
 * of AMD's that came with sse), rep_good and erms (speed), monitor (for
 * kernels), 3dnowprefetch, hle and mpx (no-operations on CPUs without; bound
 * registers in use are seen as such), tme (memory encryption). */
const struct cpu_word x86_64_cpu_words[X86_64_CPU_WORDS + 1] = {
	{"1.edx", names_1_edx, 32,
		B(0) | B(4) | B(8) | B(11) | B(15) | B(19) | B(23) | B(24) |
			B(25) | B(26)},
	{"80000001.edx", names_80000001_edx, 32,
		B(11) | B(22) | B(27) | B(30) | B(31), B(22)},
	{"80860001.edx", NULL, 32, 0},
	{"linux.1", names_linux_1, 32, B(16) | B(20), B(16)},
	{"1.ecx", names_1_ecx, 32,
		B(0) | B(1) | B(3) | B(9) | B(12) | B(13) | B(19) | B(20) |
			B(22) | B(23) | B(25) | B(26) | B(27) | B(28) | B(29) |
			B(30),
		B(3)},
	{"c0000001.edx", NULL, 32, 0},
	{"80000001.ecx", names_80000001_ecx, 32,
		B(0) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21), B(8)},
	{"linux.2", NULL, 32, 0},
	{"linux.3", NULL, 32, 0},
	{"7.0.ebx", names_7_0_ebx, 32,
		B(0) | B(3) | B(4) | B(5) | B(8) | B(9) | B(11) | B(14) |
			B(16) | B(17) | B(18) | B(19) | B(21) | B(23) | B(24) |
			B(26) | B(27) | B(28) | B(29) | B(30) | B(31),
		B(4) | B(9) | B(14)},
	{"d.1.eax", names_d_1_eax, 32, B(0) | B(1) | B(2)},
	{"7.0.ecx", names_7_0_ecx, 32,
		B(1) | B(5) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) |
			B(13) | B(14) | B(22) | B(27) | B(28),
		B(13)},
	{"f.1.edx", NULL, 32, 0},
	{"80000008.ebx", names_80000008_ebx, 32, B(0)},
	{"6.eax", NULL, 32, 0},
	{"8000000a.edx", NULL, 32, 0},
	{"f.0.edx", NULL, 32, 0},
	{"80000007.ebx", NULL, 32, 0},
	{"7.0.edx", names_7_0_edx, 32,
		B(2) | B(3) | B(8) | B(14) | B(16) | B(22) | B(23) | B(24) |
			B(25)},
	{"7.1.eax", names_7_1_eax, 32,
		B(0) | B(1) | B(2) | B(3) | B(4) | B(5) | B(7) | B(21) | B(23) |
			B(31)},
	{"7.1.edx", names_7_1_edx, 32,
		B(4) | B(5) | B(8) | B(10) | B(15) | B(19) | B(21)},
	{0},
};
