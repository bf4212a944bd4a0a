# SPDX-License-Identifier: BSD-2-Clause
"""show - the kernel's maps as bpftool prints them, cut to what a person wants to see."""

import ipaddress
import json

from lib.edge import BPFTOOL
from lib.netns import command

TYPES = {1: "A", 28: "AAAA"}
SLOT_INDEX = 0x00FFFFFF
SLOT_LARGE = 0x80000000


def wire_text(octets):
    """A wire name as text."""
    labels, at = [], 0
    while octets[at]:
        labels.append(bytes(octets[at + 1 : at + 1 + octets[at]]).decode("ascii", "replace"))
        at += 1 + octets[at]
    return ".".join(labels)


def lookup(edge, name, index):
    key = [str(byte) for byte in index.to_bytes(4, "little")]
    text = command(
        BPFTOOL, "-j", "map", "lookup", "pinned", f"{edge.pins}/{name}", "key", *key
    )
    return json.loads(text)["formatted"]["value"]


def slot(edge, number, kind):
    value = lookup(edge, "slots_large" if number & SLOT_LARGE else "slots", number & SLOT_INDEX)
    return value[kind]


def octets(values):
    """Bytes of an array as bpftool's JSON has them: numbers or one-letter strings."""
    return [item if isinstance(item, int) else number(item) for item in values]


def number(text):
    return int(text, 0) if text[:1].isdigit() and len(text) > 1 else ord(text[0])


def line(fields):
    print("    " + "  ".join(f"{name}={value}" for name, value in fields.items()))


def show_maps(edge):
    """One owner, its audiences, one answer."""
    print(f"  $ bpftool map dump pinned {edge.pins}/owners")
    owners = [item["formatted"] for item in edge.map_dump("owners")]
    for item in owners:
        line({**item["key"], "slot": item["value"]})
    chosen = owners[0]
    for item in owners:
        fields = slot(edge, item["value"], "owner")["fields"]
        if fields["catch_all"] and fields["lens_count"][0]:
            chosen = item
    fields = slot(edge, chosen["value"], "owner")["fields"]
    print(f"  $ bpftool map lookup pinned {edge.pins}/slots key {chosen['value']}     # an owner")
    line({name: fields[name] for name in ("uid", "everyone", "nobody", "catch_all", "cell",
                                          "name_len", "lens_count", "lens")})
    print(f"  $ bpftool map dump pinned {edge.pins}/audiences     # of this owner")
    mine = [item["formatted"] for item in edge.map_dump("audiences")
            if item["formatted"]["key"]["uid"] == fields["uid"]]
    for item in mine:
        key = item["key"]
        line({**{name: key[name] for name in ("uid", "type", "kind", "family", "len")},
              "prefix": prefix_text(key), "slot": item["value"]})
    show_answer(edge, mine[0]["value"])


def prefix_text(key):
    raw = bytes(octets(key["prefix"]))
    return str(ipaddress.ip_address(raw[:4] if key["family"] == 1 else raw + bytes(8)))


def show_answer(edge, where):
    answer = slot(edge, where, "answer")
    fields = answer["fields"]
    print(f"  $ bpftool map lookup pinned {edge.pins}/slots key {where & SLOT_INDEX}     # an answer")
    line(fields["head"])
    names = ("fresh_until", "stale_until", "ttl", "stale_ttl", "cell", "wire_scope", "count", "stride")
    line({name: fields[name] for name in names})
    data, size = octets(answer["data"]), fields["stride"]
    records = [bytes(data[at + 12 : at + size]) for at in range(0, fields["count"] * size, size)]
    line({"records": " ".join(str(ipaddress.ip_address(item)) for item in records)})
