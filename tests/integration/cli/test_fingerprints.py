#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A fingerprint is the same by other compilers and optimisations, with a line more, and wherever it runs.

usage: test_fingerprints.py STRANDLINE SOURCE_ROOT; prints TAP
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

STRANDLINE, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
SOURCE = ROOT / "tests" / "subjects" / "pool.c"
WORKERS = 4


def build(directory, text, compiler, *flags):
    source, program = directory / "pool.c", directory / "pool"
    source.write_text(text)
    subprocess.run([compiler, "-g", "-pthread", *flags, "-o", program, source], check=True)
    return program


def look(program):
    """(fingerprint of the workers, address of their innermost frame), or the reason why not."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout.read(1) == b"."
            # The last worker may still be on its way into the wait.
            while True:
                done = subprocess.run([STRANDLINE, "snapshot", "--json", str(child.pid)],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
                if done.returncode:
                    return None, done.stderr.decode().strip()
                for group in json.loads(done.stdout)["groups"]:
                    if group["count"] == WORKERS and group["wait"]["kind"] == "condition":
                        return group["fingerprint"], group["frames"][0]["address"]
        finally:
            child.kill()


def main():
    text = SOURCE.read_text()
    changed = text.replace("static int handle", "/* a line more */\n\nstatic int handle")
    assert changed != text
    builds = [("gcc", "-O0"), ("gcc", "-O2"), ("gcc", "-O3"), ("clang", "-O0"), ("clang", "-O2")]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        wanted, reason = look(build(directory, text, "gcc", "-O0"))
        if not wanted:
            print(f"1..0 # SKIP {reason}")
            return 0
        facts = [(f"by {' '.join(how)}", text, how) for how in builds if shutil.which(how[0])]
        facts += [("with a line more", changed, ("gcc", "-O2")),
                  ("without debug information", text, ("gcc", "-O0", "-g0")),
                  ("at fixed addresses", text, ("gcc", "-O2", "-no-pie"))]
        failed = 0
        for number, (fact, source, how) in enumerate(facts, 1):
            got, where = look(build(directory, source, *how))
            failed += got != wanted
            print(f"{'ok' if got == wanted else 'not ok'} {number} - a fingerprint is the same "
                  f"{fact}", flush=True)
            if got != wanted:
                print(f"# {got} {where}, not {wanted}")
        print(f"1..{len(facts)}")
        return failed > 0


if __name__ == "__main__":
    sys.exit(main())
