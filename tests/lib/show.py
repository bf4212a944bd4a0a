# SPDX-License-Identifier: BSD-2-Clause
"""show - the kernel's maps as bpftool prints them, cut to what a person wants to see."""

import ipaddress
import json
import sys

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


def lookup_words(edge, number):
    """bpftool's words for a slot, by its number."""
    name = "slots_large" if number & SLOT_LARGE else "slots"
    key = [str(byte) for byte in (number & SLOT_INDEX).to_bytes(4, sys.byteorder)]
    return ["map", "lookup", "pinned", f"{edge.pins}/{name}", "key", *key]


def slot(edge, number, kind):
    text = command(BPFTOOL, "-j", *lookup_words(edge, number))
    return json.loads(text)["formatted"]["value"][kind]


def octets(values):
    """Bytes of an array as bpftool's JSON has them: numbers or one-letter strings."""
    return [item if isinstance(item, int) else number(item) for item in values]


def number(text):
    return int(text, 0) if text[:1].isdigit() and len(text) > 1 else ord(text[0])


def line(fields):
    print("    " + "  ".join(f"{name}={value}" for name, value in fields.items()))


def show_maps(edge, name="apex.test"):
    """All owners; then of one its slot, its audiences, and an answer."""
    print(f"  $ bpftool map dump pinned {edge.pins}/owners")
    owners = [item["formatted"] for item in edge.map_dump("owners")]
    chosen = None
    for item in owners:
        value = slot(edge, item["value"], "owner")
        item["name"] = wire_text(octets(value["name"]))
        line({**item["key"], "slot": item["value"], "name": item["name"]})
        if item["name"] == name and item["key"]["type"] == 1:
            chosen = item
    fields = slot(edge, chosen["value"], "owner")["fields"]
    print(f"  $ bpftool {' '.join(lookup_words(edge, chosen['value']))}     # {name} A")
    line({name: fields[name] for name in ("uid", "everyone", "nobody", "catch_all", "cell",
                                          "name_len", "lens_count")})
    line({"lens": fields["lens"]})
    print(f"  $ bpftool map dump pinned {edge.pins}/audiences     # those of uid {fields['uid']}")
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
    print(f"  $ bpftool {' '.join(lookup_words(edge, where))}     # an answer")
    line(fields["head"])
    names = ("fresh_until", "stale_until", "ttl", "stale_ttl", "cell", "wire_scope", "count", "stride")
    inner = fields["answer"]
    line({name: inner[name] for name in names})
    data, size = octets(answer["data"]), inner["stride"]
    records = [bytes(data[at + 12 : at + size]) for at in range(0, inner["count"] * size, size)]
    line({"records": " ".join(str(ipaddress.ip_address(item)) for item in records)})
