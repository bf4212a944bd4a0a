# SPDX-License-Identifier: BSD-2-Clause
"""zone - what the edge serves in this suite, and what is asked of it."""

import socket
import struct

ADDRESS = "192.0.2.81"
QUESTION = ("static.example.test", 1, 1)
APEX = ("example.test", 6, 1)
ANSWER = (
    b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 3600, 4) + socket.inet_aton(ADDRESS)
)
ZONE = f"""\
$TTL 3600
@       SOA     ns host 1 3600 600 86400 300
@       NS      ns
ns      A       198.51.100.1
static  A       {ADDRESS}
large   TXT     "{'x' * 250}"
large   TXT     "{'y' * 250}"
large   TXT     "{'z' * 250}"
large   TXT     "{'u' * 250}"
large   TXT     "{'v' * 250}"
large   TXT     "{'w' * 250}"
"""
