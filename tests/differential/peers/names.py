# SPDX-License-Identifier: BSD-2-Clause
"""names - names as tuples of labels (octets, without the root), and their forms.

Pure. Comparison is between names in lower case: low() first.
"""


def low(name):
    return tuple(label.lower() for label in name)


def under(name, apex):
    """True if `name` is `apex` or below it."""
    return len(name) >= len(apex) and low(name[len(name) - len(apex) :]) == low(apex)


def size(name):
    """Octets on the wire; a name may have 255 (RFC 1035 3.1)."""
    return sum(len(label) + 1 for label in name) + 1


def wire(name):
    return b"".join(bytes([len(label)]) + label for label in name) + b"\0"


def from_wire(octets):
    labels, at = [], 0
    while octets[at]:
        labels.append(octets[at + 1 : at + 1 + octets[at]])
        at += 1 + octets[at]
    return tuple(labels)


def text(name):
    """Master file form, absolute (RFC 1035 5.1); odd octets as \\DDD."""
    return "".join(label_text(label) + "." for label in name) or "."


def label_text(label):
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*"
    return "".join(chr(octet) if octet in plain else f"\\{octet:03d}" for octet in label)


def from_text(word, origin):
    """A name of a master file; relative ones end in the origin."""
    if word == "@":
        return origin
    octets, labels, at = bytearray(), [], 0
    while at < len(word):
        if word[at] == "\\" and word[at + 1].isdigit():
            octets.append(int(word[at + 1 : at + 4]))
            at += 4
            continue
        if word[at] == "\\":
            octets.append(ord(word[at + 1]))
            at += 2
            continue
        if word[at] == ".":
            labels.append(bytes(octets))
            octets = bytearray()
        else:
            octets.append(ord(word[at]))
        at += 1
    if octets:
        return tuple(labels) + (bytes(octets),) + origin
    return tuple(label for label in labels if label)
