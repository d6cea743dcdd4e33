# SPDX-License-Identifier: Apache-2.0
"""What `strandline snapshot --prove` says of each thread of a process."""

import dataclasses
import json
import subprocess

TIMEOUT_S = 120
DEAD = ("dead", "dead-unless-cancelled")


@dataclasses.dataclass
class Claim:
    tid: int
    grade: str
    path: list
    reason: str

    @property
    def dead(self):
        return self.grade in DEAD


def take(strandline, pid, *options):
    """{tid: Claim}.  Raises RuntimeError where the process could not be looked at."""
    command = [str(strandline), "snapshot", "--prove", "--all", "--json", *options, str(pid)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=TIMEOUT_S, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr.strip() or f"'{command[0]}' ended with {done.returncode}")
    claims = {}
    for thread in json.loads(done.stdout)["threads"]:
        proof = thread["proof"]
        claims[thread["tid"]] = Claim(thread["tid"], proof["grade"], proof["path"] or [],
                                      proof["reason"] or "")
    return claims
