/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * dns.h - numbers of the DNS that both halves need.
 *
 * Names follow the IANA registries. All values are in host byte order; what
 * stands on the wire is converted where it is read or written.
 */
#ifndef ANAMED_DNS_H
#define ANAMED_DNS_H

#define AN_DNS_PORT       53
#define AN_DNS_HEADER_LEN 12  /* RFC 1035 4.1.1 */
#define AN_DNS_NAME_MAX   255 /* octets of a wire name, root label included */
#define AN_DNS_LABEL_MAX  63
#define AN_DNS_UDP_MIN    512  /* RFC 6891 6.2.3: less counts as this */
#define AN_DNS_UDP_OURS   1232 /* what we advertise and never exceed over UDP */
#define AN_DNS_OPT_LEN    11   /* an OPT record without options */

/* Header, third and fourth octet. */
#define AN_FLAG_QR     0x8000
#define AN_FLAG_OPCODE 0x7800
#define AN_FLAG_AA     0x0400
#define AN_FLAG_TC     0x0200
#define AN_FLAG_RD     0x0100
#define AN_FLAG_RA     0x0080
#define AN_FLAG_Z      0x0040
#define AN_FLAG_AD     0x0020
#define AN_FLAG_CD     0x0010
#define AN_FLAG_RCODE  0x000f

#define AN_OPCODE_QUERY  0
#define AN_OPCODE_NOTIFY 4

#define AN_RCODE_NOERROR   0
#define AN_RCODE_FORMERR   1
#define AN_RCODE_SERVFAIL  2
#define AN_RCODE_NXDOMAIN  3
#define AN_RCODE_NOTIMP    4
#define AN_RCODE_REFUSED   5
#define AN_RCODE_YXDOMAIN  6
#define AN_RCODE_NOTAUTH   9
#define AN_RCODE_BADVERS   16
#define AN_RCODE_BADCOOKIE 23

#define AN_CLASS_IN  1
#define AN_CLASS_CH  3
#define AN_CLASS_ANY 255

#define AN_TYPE_A          1
#define AN_TYPE_NS         2
#define AN_TYPE_CNAME      5
#define AN_TYPE_SOA        6
#define AN_TYPE_PTR        12
#define AN_TYPE_MX         15
#define AN_TYPE_TXT        16
#define AN_TYPE_AFSDB      18
#define AN_TYPE_RT         21
#define AN_TYPE_AAAA       28
#define AN_TYPE_SRV        33
#define AN_TYPE_KX         36
#define AN_TYPE_DNAME      39
#define AN_TYPE_OPT        41
#define AN_TYPE_DS         43
#define AN_TYPE_RRSIG      46
#define AN_TYPE_NSEC       47
#define AN_TYPE_DNSKEY     48
#define AN_TYPE_NSEC3      50 /* RFC 5155 */
#define AN_TYPE_NSEC3PARAM 51
#define AN_TYPE_CDS        59 /* RFC 7344 */
#define AN_TYPE_CDNSKEY    60
#define AN_TYPE_SVCB       64
#define AN_TYPE_HTTPS      65
#define AN_TYPE_NXNAME     128 /* RFC 9824 3.3 */
#define AN_TYPE_URI        256
#define AN_TYPE_CAA        257
#define AN_TYPE_TSIG       250
#define AN_TYPE_IXFR       251
#define AN_TYPE_AXFR       252
#define AN_TYPE_ANY        255
#define AN_TYPE_ANAME      65401 /* private use; as PowerDNS and Knot */

#define AN_EDNS_NSID      3  /* RFC 5001 */
#define AN_EDNS_ECS       8  /* RFC 7871 */
#define AN_EDNS_COOKIE    10 /* RFC 7873 */
#define AN_EDNS_KEEPALIVE 11 /* RFC 7828 */
#define AN_EDNS_EDE       15 /* RFC 8914 */
#define AN_EDNS_DO        0x8000
#define AN_EDNS_CO        0x4000 /* RFC 9824 5.1 */

#define AN_EDE_OTHER                  0
#define AN_EDE_STALE_ANSWER           3
#define AN_EDE_NOT_READY              14
#define AN_EDE_NOT_AUTHORITATIVE      20
#define AN_EDE_NO_REACHABLE_AUTHORITY 22
#define AN_EDE_NETWORK_ERROR          23
#define AN_EDE_INVALID_DATA           24
#define AN_EDE_INVALID_QUERY_TYPE     30 /* RFC 9824 3.4 */

/* RFC 7871 6: address family numbers of the option. */
#define AN_FAMILY_IPV4 1
#define AN_FAMILY_IPV6 2

#define AN_STALE_TTL 30 /* RFC 8767 4 */

#endif
