# SPDX-License-Identifier: BSD-2-Clause
"""sniff - frames as they arrive at a device, and whether their UDP sums are right.

A socket would not tell: between the ends of a veth the kernel trusts sums
that nobody has computed.
"""

import ipaddress
import socket
import struct
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4


def ones_sum(data):
    """One's complement sum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def udp_fault(frame):
    """What is wrong with the sums of a UDP frame: text, "" if right, None if no UDP from 53."""
    kind = struct.unpack("!H", frame[12:14])[0]
    if kind == 0x0800 and frame[23] == 17:
        header, total = (frame[14] & 15) * 4, struct.unpack("!H", frame[16:18])[0]
        addresses, udp = frame[26:34], frame[14 + header : 14 + total]
        if ones_sum(frame[14 : 14 + header]) != 0xFFFF:
            return "IPv4 header sum"
    elif kind == 0x86DD and frame[20] == 17:
        total = struct.unpack("!H", frame[18:20])[0]
        addresses, udp = frame[22:54], frame[54 : 54 + total]
    else:
        return None
    source, _, length, checksum = struct.unpack("!4H", udp[:8])
    if source != 53:
        return None
    where = str(ipaddress.ip_address(addresses[len(addresses) // 2 :]))
    if length != len(udp):
        return f"to {where}: UDP length {length} of {len(udp)}"
    if checksum == 0:
        return f"to {where}: no UDP sum"
    pseudo = addresses + struct.pack("!IHH", length, 0, 17)
    return "" if ones_sum(pseudo + udp) == 0xFFFF else f"to {where}: UDP sum {checksum:#06x}"


class Sniffer:
    """Collects what arrives at a device while it is open."""

    def __init__(self, space, device):
        self.space = space
        self.device = device

    def __enter__(self):
        with self.space.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((self.device, ETH_P_ALL))
        return self

    def __exit__(self, *_):
        self.sock.close()

    def frames(self, limit_s):
        """Arrived frames, until there are no more for a while."""
        end = time.monotonic() + limit_s
        self.sock.settimeout(0.1)
        while time.monotonic() < end:
            try:
                frame, address = self.sock.recvfrom(65535)
            except TimeoutError:
                continue
            if address[2] != PACKET_OUTGOING:
                yield frame

    def replies(self, limit_s, count):
        """Faults of the DNS replies that arrived: "" for each that is right."""
        seen = []
        for frame in self.frames(limit_s):
            fault = udp_fault(frame)
            if fault is not None:
                seen.append(fault)
            if len(seen) >= count:
                break
        return seen
