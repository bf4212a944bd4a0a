# SPDX-License-Identifier: BSD-2-Clause
"""siphash - SipHash-2-4, and server cookies made with it (RFC 9018), slowly."""

import ipaddress
import struct
import time

MASK = (1 << 64) - 1


def rotate(word, count):
    return (word << count | word >> (64 - count)) & MASK


def rounds(v, count):
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[2] = (v[2] + v[3]) & MASK
        v[1] = rotate(v[1], 13) ^ v[0]
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = (rotate(v[0], 32) + v[3]) & MASK
        v[2] = (v[2] + v[1]) & MASK
        v[3] = rotate(v[3], 21) ^ v[0]
        v[1] = rotate(v[1], 17) ^ v[2]
        v[2] = rotate(v[2], 32)


def siphash(key, data):
    """Eight octets."""
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D,
         k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    whole = len(data) // 8 * 8
    last = data[whole:] + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for word in struct.unpack(f"<{whole // 8 + 1}Q", data[:whole] + last):
        v[3] ^= word
        rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(v, 4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def cookie(secret, source, client, age_s=0, version=1):
    """A COOKIE option's 24 octets for a client address, made `age_s` seconds ago."""
    head = client + bytes([version, 0, 0, 0]) + struct.pack("!I", int(time.time()) - age_s)
    return head + siphash(secret, head + ipaddress.ip_address(source).packed)
