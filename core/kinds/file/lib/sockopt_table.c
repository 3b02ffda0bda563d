/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/sockopt_table.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
	KEEP = SOCKOPT_KEEP,
	FORMAT = SOCKOPT_FORMAT,
	DEVICE = SOCKOPT_DEVICE,
	STATE = SOCKOPT_STATE,
	SILENT = SOCKOPT_SILENT,
};

/* By number where the C library's names are younger than some kernels. */
static const uint8_t of_socket[SOCKOPT_NAMES] = {
	[SO_DEBUG] = KEEP,
	[SO_REUSEADDR] = FORMAT,
	[SO_TYPE] = STATE,
	[SO_ERROR] = SILENT, /* told only once */
	[SO_DONTROUTE] = FORMAT,
	[SO_BROADCAST] = FORMAT,
	[SO_SNDBUF] = FORMAT,
	[SO_RCVBUF] = FORMAT,
	[SO_KEEPALIVE] = FORMAT,
	[SO_OOBINLINE] = FORMAT,
	[SO_NO_CHECK] = FORMAT,
	[SO_PRIORITY] = FORMAT,
	[SO_LINGER] = FORMAT,
	[SO_BSDCOMPAT] = STATE,
	[SO_REUSEPORT] = FORMAT,
	[SO_PASSCRED] = KEEP, /* before 6.16 */
	[SO_PEERCRED] = STATE,
	[SO_RCVLOWAT] = FORMAT,
	[SO_SNDLOWAT] = STATE,
	[SO_RCVTIMEO_OLD] = FORMAT,
	[SO_SNDTIMEO_OLD] = FORMAT,
	[SO_BINDTODEVICE] = FORMAT,
	[SO_GET_FILTER] = FORMAT,
	[SO_PEERNAME] = STATE,
	[SO_TIMESTAMP_OLD] = KEEP,
	[SO_ACCEPTCONN] = STATE,
	[SO_PEERSEC] = STATE,
	[SO_PASSSEC] = KEEP, /* before 6.16 */
	[SO_TIMESTAMPNS_OLD] = KEEP,
	[SO_MARK] = FORMAT,
	[SO_TIMESTAMPING_OLD] = KEEP,
	[SO_PROTOCOL] = STATE,
	[SO_DOMAIN] = STATE,
	[SO_RXQ_OVFL] = KEEP,
	[SO_WIFI_STATUS] = KEEP,
	[SO_PEEK_OFF] = KEEP,
	[SO_NOFCS] = KEEP,
	[SO_LOCK_FILTER] = KEEP, /* after the filter */
	[SO_SELECT_ERR_QUEUE] = KEEP,
	[SO_BUSY_POLL] = KEEP,
	[SO_MAX_PACING_RATE] = KEEP,
	[SO_BPF_EXTENSIONS] = STATE,
	[SO_INCOMING_CPU] = KEEP,
	[SO_MEMINFO] = STATE,
	[SO_INCOMING_NAPI_ID] = STATE,
	[SO_COOKIE] = STATE,
	[SO_PEERGROUPS] = STATE,
	[SO_ZEROCOPY] = KEEP,
	[SO_TXTIME] = KEEP,
	[SO_BINDTOIFINDEX] = FORMAT,
	[SO_TIMESTAMP_NEW] = KEEP,
	[SO_TIMESTAMPNS_NEW] = KEEP,
	[SO_TIMESTAMPING_NEW] = KEEP,
	[SO_RCVTIMEO_NEW] = FORMAT,
	[SO_SNDTIMEO_NEW] = FORMAT,
	[69] = KEEP,   /* SO_PREFER_BUSY_POLL */
	[70] = KEEP,   /* SO_BUSY_POLL_BUDGET */
	[71] = STATE,  /* SO_NETNS_COOKIE */
	[72] = FORMAT, /* SO_BUF_LOCK */
	[73] = KEEP,   /* SO_RESERVE_MEM */
	[74] = KEEP,   /* SO_TXREHASH */
	[75] = KEEP,   /* SO_RCVMARK */
	[76] = KEEP,   /* SO_PASSPIDFD, before 6.16 */
	[77] = SILENT, /* SO_PEERPIDFD makes an fd */
	[82] = KEEP,   /* SO_RCVPRIORITY */
	[83] = KEEP,   /* SO_PASSRIGHTS, of unix sockets */
};

static const uint8_t of_ip[SOCKOPT_NAMES] = {
	[IP_TOS] = FORMAT,
	[IP_TTL] = FORMAT,
	[IP_OPTIONS] = KEEP,
	[IP_RECVOPTS] = KEEP,
	[IP_RETOPTS] = KEEP,
	[IP_PKTINFO] = KEEP, /* of IPv4 sockets the format's */
	[IP_PKTOPTIONS] = STATE,
	[IP_MTU_DISCOVER] = KEEP,
	[IP_RECVERR] = KEEP,
	[IP_RECVTTL] = KEEP,
	[IP_RECVTOS] = KEEP,
	[IP_MTU] = STATE,
	[IP_FREEBIND] = FORMAT,
	[IP_PASSSEC] = KEEP,
	[IP_TRANSPARENT] = KEEP,
	[IP_RECVORIGDSTADDR] = KEEP,
	[IP_MINTTL] = KEEP,
	[IP_CHECKSUM] = KEEP,
	[IP_BIND_ADDRESS_NO_PORT] = KEEP,
	[IP_RECVFRAGSIZE] = KEEP,
	[26] = KEEP,		  /* IP_RECVERR_RFC4884, 5.9 */
	[IP_MULTICAST_IF] = KEEP, /* told only as an address */
	[IP_MULTICAST_TTL] = KEEP,
	[IP_MULTICAST_LOOP] = KEEP,
	[IP_MSFILTER] = SILENT, /* of one group; membership.h */
	[MCAST_MSFILTER] = SILENT,
	[IP_MULTICAST_ALL] = KEEP,
	[IP_UNICAST_IF] = DEVICE,
	[51] = KEEP,  /* IP_LOCAL_PORT_RANGE, 6.3 */
	[52] = STATE, /* IP_PROTOCOL, 6.4 */
	/* of netfilter: iptables, the address before NAT, ebtables, arptables,
	 * IPVS */
	[64] = SILENT,
	[65] = SILENT,
	[66] = SILENT,
	[67] = SILENT,
	[80] = SILENT,
	[96] = SILENT,
	[97] = SILENT,
	[98] = SILENT,
	[99] = SILENT,
};

static const uint8_t of_ipv6[SOCKOPT_NAMES] = {
	[IPV6_ADDRFORM] = SILENT,
	[IPV6_2292PKTINFO] = KEEP,
	[IPV6_2292HOPOPTS] = KEEP,
	[IPV6_2292DSTOPTS] = KEEP,
	[IPV6_2292RTHDR] = KEEP,
	[IPV6_2292PKTOPTIONS] = STATE,
	[IPV6_2292HOPLIMIT] = KEEP,
	[11] = KEEP, /* IPV6_FLOWINFO */
	[IPV6_UNICAST_HOPS] = KEEP,
	[IPV6_MULTICAST_IF] = DEVICE,
	[IPV6_MULTICAST_HOPS] = KEEP,
	[IPV6_MULTICAST_LOOP] = KEEP,
	[IPV6_MTU_DISCOVER] = KEEP,
	[IPV6_MTU] = STATE,
	[IPV6_RECVERR] = KEEP,
	[IPV6_V6ONLY] = FORMAT,
	[29] = KEEP,   /* IPV6_MULTICAST_ALL */
	[30] = KEEP,   /* IPV6_ROUTER_ALERT_ISOLATE */
	[31] = KEEP,   /* IPV6_RECVERR_RFC4884 */
	[32] = SILENT, /* IPV6_FLOWLABEL_MGR */
	[33] = KEEP,   /* IPV6_FLOWINFO_SEND */
	[MCAST_MSFILTER] = SILENT,
	[IPV6_RECVPKTINFO] = FORMAT,
	[IPV6_RECVHOPLIMIT] = KEEP,
	[IPV6_RECVHOPOPTS] = KEEP,
	[IPV6_HOPOPTS] = KEEP,
	[IPV6_RTHDRDSTOPTS] = KEEP,
	[IPV6_RECVRTHDR] = KEEP,
	[IPV6_RTHDR] = KEEP,
	[IPV6_RECVDSTOPTS] = KEEP,
	[IPV6_DSTOPTS] = KEEP,
	[IPV6_RECVPATHMTU] = KEEP,
	[IPV6_PATHMTU] = STATE,
	[IPV6_DONTFRAG] = KEEP,
	[64] = SILENT, /* ip6tables */
	[65] = SILENT,
	[IPV6_RECVTCLASS] = KEEP,
	[IPV6_TCLASS] = KEEP,
	[68] = SILENT,
	[69] = SILENT,
	[IPV6_AUTOFLOWLABEL] = KEEP,
	[IPV6_ADDR_PREFERENCES] = KEEP,
	[IPV6_MINHOPCOUNT] = KEEP,
	[IPV6_ORIGDSTADDR] = KEEP,
	[IPV6_TRANSPARENT] = FORMAT, /* that of IP_TRANSPARENT */
	[IPV6_UNICAST_IF] = DEVICE,
	[77] = KEEP,   /* IPV6_RECVFRAGSIZE */
	[78] = FORMAT, /* IPV6_FREEBIND: that of IP_FREEBIND */
	[80] = SILENT, /* ip6tables: the address before NAT */
};

static const uint8_t of_tcp[SOCKOPT_NAMES] = {
	[TCP_NODELAY] = FORMAT,
	[TCP_MAXSEG] = KEEP,
	[TCP_CORK] = FORMAT,
	[TCP_KEEPIDLE] = FORMAT,
	[TCP_KEEPINTVL] = FORMAT,
	[TCP_KEEPCNT] = FORMAT,
	[TCP_SYNCNT] = KEEP,
	[TCP_LINGER2] = KEEP,
	[TCP_DEFER_ACCEPT] = KEEP,
	[TCP_WINDOW_CLAMP] = KEEP,
	[TCP_INFO] = STATE,
	[TCP_QUICKACK] = KEEP,
	[TCP_CONGESTION] = KEEP,
	[TCP_THIN_LINEAR_TIMEOUTS] = KEEP,
	[TCP_THIN_DUPACK] = STATE, /* does nothing any more */
	[TCP_USER_TIMEOUT] = KEEP,
	[TCP_REPAIR_QUEUE] = SILENT,
	[TCP_QUEUE_SEQ] = SILENT,
	[TCP_FASTOPEN] = KEEP,
	[TCP_TIMESTAMP] = STATE,
	[TCP_NOTSENT_LOWAT] = KEEP,
	[TCP_CC_INFO] = STATE,
	[TCP_SAVE_SYN] = KEEP,
	[TCP_SAVED_SYN] = SILENT, /* told only once */
	[TCP_REPAIR_WINDOW] = SILENT,
	[TCP_FASTOPEN_CONNECT] = KEEP,
	[TCP_FASTOPEN_KEY] = KEEP,
	[TCP_FASTOPEN_NO_COOKIE] = KEEP,
	[TCP_ZEROCOPY_RECEIVE] = SILENT,
	[TCP_INQ] = KEEP,
	[TCP_TX_DELAY] = KEEP,
	[38] = SILENT, /* TCP-AO, which has its own refusal */
	[39] = SILENT,
	[40] = SILENT,
	[41] = SILENT,
	[42] = SILENT,
	[43] = STATE, /* TCP_IS_MPTCP */
	[44] = KEEP,  /* TCP_RTO_MAX_MS, 6.15 */
	[45] = KEEP,  /* TCP_RTO_MIN_US, 6.17 */
	[46] = KEEP,  /* TCP_DELACK_MAX_US */
};

static const uint8_t of_udp[SOCKOPT_NAMES] = {
	[UDP_NO_CHECK6_TX] = KEEP,
	[UDP_NO_CHECK6_RX] = KEEP,
	[103] = KEEP, /* UDP_SEGMENT */
	[104] = KEEP, /* UDP_GRO */
};

enum sockopt_sort sockopt_sort(int level, int name)
{
	const uint8_t *of = level == SOL_SOCKET ? of_socket
			    : level == SOL_IP	? of_ip
			    : level == SOL_IPV6 ? of_ipv6
			    : level == SOL_TCP	? of_tcp
			    : level == SOL_UDP	? of_udp
						: NULL;

	return of && name >= 0 && name < SOCKOPT_NAMES
		       ? (enum sockopt_sort)of[name]
		       : SOCKOPT_UNKNOWN;
}

const char *sockopt_label(int level, int name, char ret[48])
{
	if (level == SOL_TCP && name == TCP_ULP)
		return "TCP_ULP";
	if (level == SOL_TCP && name == TCP_REPAIR)
		return "TCP_REPAIR";
	snprintf(ret, 48, "option %d of %s", name,
		level == SOL_SOCKET ? "SOL_SOCKET"
		: level == SOL_IP   ? "SOL_IP"
		: level == SOL_IPV6 ? "SOL_IPV6"
		: level == SOL_TCP  ? "SOL_TCP"
		: level == SOL_UDP  ? "SOL_UDP"
				    : "an unknown level");
	return ret;
}
