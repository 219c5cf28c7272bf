"""What is uploaded of each function: small enough, made for Lambda's image, and without the table of a local run.

usage: artefacts.py BINARIES"""

import os
import re
import sys

from stand_in import FUNCTIONS, zipped

ZIPPED_BYTES_MAX = 6_000_000
# The C library of `provided.al2023` is 2.34.
GLIBC_MAX = (2, 34)


def main():
    wrong = []
    print(f"{'function':12} {'MB':>6} {'zipped':>7}  needs glibc")
    for name in FUNCTIONS:
        path = os.path.join(sys.argv[1], f"parstock-{name.lower()}")
        with open(path, "rb") as file:
            binary = file.read()
        size = len(zipped(path))
        found = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary)
        glibc = max(tuple(int(part) for part in version) for version in found)
        print(f"{name:12} {len(binary) / 1e6:6.2f} {size / 1e6:7.2f}  {glibc[0]}.{glibc[1]}")
        if size > ZIPPED_BYTES_MAX:
            wrong.append(f"{name}: {size} bytes zipped are more than {ZIPPED_BYTES_MAX}")
        if glibc > GLIBC_MAX:
            wrong.append(f"{name}: Lambda's image has an older C library; build with zig or on an older system")
        if b"SQLite format 3" in binary:
            wrong.append(f"{name}: the embedded table is in it")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
