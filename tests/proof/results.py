# SPDX-License-Identifier: Apache-2.0
"""docs/proof-results.md, of which each script writes its own part."""

import datetime
import pathlib
import platform
import re
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "proof-results.md"
TITLE = "# Results of the proof of death\n"


def measured_by():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    command = shlex.join([f"scripts/{pathlib.Path(sys.argv[0]).name}", *sys.argv[1:]])
    return (f"Measured by `{command}` on {datetime.date.today()}: {cpu}, Linux {platform.release()}, "
            f"{' '.join(platform.libc_ver())}.")


def write(title, lines):
    """Instead of the part with the same title, or behind the others."""
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else TITLE
    parts = re.split(r"(?m)^(?=## )", text)
    part = f"## {title}\n\n" + "\n".join(lines).strip() + "\n\n"
    kept = [one for one in parts if not one.startswith(f"## {title}\n")]
    kept[0] = kept[0].rstrip() + "\n\n"
    kept[-1] = kept[-1].rstrip() + "\n\n"
    FILE.write_text(("".join(kept) + part).rstrip() + "\n", encoding="utf-8")
