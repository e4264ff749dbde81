"""The glibc that a Linux program needs, and its architecture, from its ELF file alone: no tool is required.

The layout is that of the System V ABI and, for versions, of the Linux Standard Base (10.7.4, version requirements).
"""

import struct

MACHINES = {62: "x86_64", 183: "arm64"}
VERSION_NEEDS = 0x6FFFFFFE  # SHT_GNU_verneed

# The only version that is not a number: compact relative relocations, which glibc 2.36 introduced (its NEWS).
NAMED = {"ABI_DT_RELR": "2.36"}


def machine(elf):
    """The architecture: `x86_64`, `arm64`, or None."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    return MACHINES.get(struct.unpack_from("<H", elf, 18)[0])


def newest_glibc(elf):
    """The newest GLIBC_… that any symbol requires, as numbers: (2, 34). None if no symbol requires one."""
    versions = [name.removeprefix("GLIBC_") for name in needed(elf) if name.startswith("GLIBC_")]
    return max((tuple(map(int, NAMED.get(it, it).split("."))) for it in versions), default=None)


def needed(elf):
    """The names of all versions of libraries that the dynamic linker requires."""
    machine(elf)
    sections = list(section_headers(elf))
    for kind, offset, link, count in sections:
        if kind != VERSION_NEEDS:
            continue
        names = sections[link][1]
        for _ in range(count):
            _, entries, _, first, following = struct.unpack_from("<HHIII", elf, offset)
            at = offset + first
            for _ in range(entries):
                _, _, _, name, step = struct.unpack_from("<IHHII", elf, at)
                start = names + name
                yield elf[start : elf.index(b"\0", start)].decode()
                at += step
            offset += following


def section_headers(elf):
    """The kind, offset, link and info of each section."""
    (offset,) = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    for number in range(count):
        _, kind, _, _, offset_in_file, _, link, info = struct.unpack_from("<IIQQQQII", elf, offset + number * size)
        yield kind, offset_in_file, link, info
