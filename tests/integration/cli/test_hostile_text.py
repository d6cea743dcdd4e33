# SPDX-License-Identifier: Apache-2.0
# No byte of a name that somebody else chose reaches a terminal or a file as it is: every command,
# with hostile names in every place that it takes one from, and a look at all that comes out.
#
# usage: test_hostile_text.py STRANDLINE SOURCE_ROOT BUILD_ROOT; prints TAP
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata

STRANDLINE, SOURCE, BUILD = map(os.path.abspath, sys.argv[1:4])
# Sets the title, colours, goes on in a line of its own, and turns the direction; ends in broken UTF-8.
HOSTILE = b"\x1b]0;x\x07\x1b[31mA\nFORGED\r\xc2\x9b1m\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\x8b\xd8\x9c\xff"
ARGUMENT = os.fsdecode(HOSTILE)
JSON_TEXT = HOSTILE[:-1].decode()

TINY = {
    "load": {"events": 20, "topics": 1, "aggregates": 2},
    "limits": {"timeout": "10s", "settle": "100ms"},
    "modes": {"unified": {"workers": 2}},
    "play": ["unified"],
}

number = failed = 0


def tell(fact, problems):
    global number, failed
    number += 1
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {fact}")
    for problem in problems[:5]:
        print("# " + repr(problem)[1:-1])
    sys.stdout.flush()


def problems_in(output, what):
    found = []
    for line in output.split(b"\n"):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            found.append(f"{what}: no UTF-8: {line!r}")
            continue
        if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in text):
            found.append(f"{what}: {text!r}")
        if text.startswith("FORGED"):
            found.append(f"{what}: a name made a line of its own")
    return found


def run(*args, seconds=60, **more):
    """Run the program; what it printed, and what is wrong with that."""
    done = subprocess.run([STRANDLINE, *args], stdin=subprocess.DEVNULL, timeout=seconds,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    what = " ".join(os.fsencode(arg).decode(errors="replace") for arg in args)
    problems = problems_in(done.stdout, what) + problems_in(done.stderr, what)
    if done.returncode < 0 or done.returncode > 4:
        problems.append(f"{what}: exit {done.returncode}")
    return done, problems


def commands():
    listed = subprocess.check_output([STRANDLINE, "--help"], text=True)
    return re.findall(r"^  ([a-z]+)  ", listed, re.M)


def options_of(command):
    text = subprocess.check_output([STRANDLINE, command, "--help"], text=True)
    return re.findall(r"^  (?:-\w, |    )--([a-z-]+)( [A-Z])?", text, re.M)


def check_arguments():
    problems = run(ARGUMENT)[1] + run("-" + ARGUMENT)[1] + run("help", ARGUMENT)[1]
    for command in commands():
        problems += run(command, "--" + ARGUMENT)[1] + run(command, "-" + ARGUMENT)[1]
        problems += run(command, ARGUMENT)[1] + run(command, ARGUMENT, ARGUMENT)[1]
        operand = ["./tiny.json", "--transport", "memory"] if command == "run" else []
        for option, takes in options_of(command):
            if option in ("server", "agents"):
                continue # waits; below
            if takes:
                problems += run(command, *operand, f"--{option}", ARGUMENT)[1]
                problems += run(command, *operand, f"--{option}={ARGUMENT}")[1]
            else:
                problems += run(command, f"--{option}={ARGUMENT}")[1]
    problems += run("run", "./tiny.json", "--server", "nats://127.0.0.1:1/" + ARGUMENT)[1]
    problems += run("run", "./tiny.json", "--server", "nats://" + ARGUMENT)[1]
    tell("arguments are told without what they command", problems)


def replace_key(value, key):
    """A copy with hostile text in place of every text at a key; and how many there were."""
    if isinstance(value, list):
        pairs = [replace_key(item, key) if not (key == "[]" and isinstance(item, str))
                 else (item + JSON_TEXT, 1) for item in value]
        return [pair[0] for pair in pairs], sum(pair[1] for pair in pairs)
    if not isinstance(value, dict):
        return value, 0
    copy, n = {}, 0
    for name, item in value.items():
        if name == key and isinstance(item, str):
            copy[name] = JSON_TEXT
            n += 1
        else:
            copy[name], more = replace_key(item, key)
            n += more
    return copy, n


def keys_of(value):
    if isinstance(value, list):
        return set().union({"[]"}, *map(keys_of, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*map(keys_of, value.values()))


def look_at_report(name):
    problems = []
    for args in (["show", name], ["gate", name], ["gate", "--json", name],
                 ["gate", "--baseline", name, name], ["compare", name, "before.json"],
                 ["compare", "--json", "before.json", name], ["compare", name, name]):
        problems += run(*args)[1]
    return problems


def check_reports():
    problems, read = [], set()
    for name in ("full.json", "leaks.json", "ok.json"):
        report = json.load(open(f"{SOURCE}/tests/data/report/valid/{name}"))
        json.dump(report, open("before.json", "w"))
        everywhere = report
        for key in sorted(keys_of(report)):
            changed, n = replace_key(report, key)
            if not n:
                continue
            json.dump(changed, open("report.json", "w"))
            done, found = run("show", "report.json")
            problems += found
            if done.returncode == 0:
                read.add(key)
                everywhere = replace_key(everywhere, key)[0]
        json.dump(everywhere, open("report.json", "w"))
        problems += look_at_report("report.json")
    if not {"scenario", "function", "file", "module", "evidence", "reason", "host", "what"} <= read:
        problems.append(f"only {sorted(read)} were taken")
    for text in (HOSTILE, b'{"' + HOSTILE, b'{"schema": "' + JSON_TEXT.encode() + b'"}',
                 json.dumps({"schema": JSON_TEXT, JSON_TEXT: 1, "": JSON_TEXT}).encode()):
        open("report.json", "wb").write(text)
        problems += look_at_report("report.json")
    os.mkdir(HOSTILE + b"-folder")
    shutil.copy("before.json", HOSTILE + b"-folder/report.json")
    problems += look_at_report(ARGUMENT + "-folder/report.json")
    tell("what a report holds and what it is called is told without what it commands", problems)


def check_scenarios():
    problems = []
    for key in ("description", JSON_TEXT):
        open("hostile.json", "w").write(json.dumps(TINY | {key: JSON_TEXT}))
        for more in (["--dry-run"], ["--transport", "memory"]):
            problems += run("run", "./hostile.json", *more)[1]
    for change in ({"modes": {JSON_TEXT: {}}}, {"play": [JSON_TEXT]}, {"load": JSON_TEXT},
                   {"limits": {"timeout": JSON_TEXT}}):
        open("hostile.json", "w").write(json.dumps(TINY | change, ensure_ascii=False))
        problems += run("run", "./hostile.json")[1]
    problems += run("run", "./" + ARGUMENT + ".json")[1]
    shutil.copy("tiny.json", HOSTILE + b"-folder/tiny.json")
    scenario = "./" + ARGUMENT + "-folder/tiny.json"
    for more in (["--dry-run"], ["--output", ARGUMENT + "-report"],
                 ["--output", ARGUMENT + "-report", "--label", ARGUMENT], ["--json"]):
        problems += run("run", scenario, "--transport", "memory", *more)[1]
    report = open(HOSTILE + b"-report", "rb").read()
    problems += problems_in(report, "the report")
    problems += look_at_report(ARGUMENT + "-report")
    tell("scenarios, and a run and a report that are called so, are no other", problems)


def check_terminal():
    """What is rewritten while a run goes on, on a terminal."""
    observer, terminal = os.openpty()
    done = subprocess.run([STRANDLINE, "run", "./" + ARGUMENT + "-folder/tiny.json", "--transport", "memory"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal,
                          timeout=60, check=False)
    os.close(terminal)
    said = os.read(observer, 1 << 16).replace(b"\r\x1b[K", b"\n").replace(b"\r\n", b"\n")
    os.close(observer)
    problems = problems_in(said, "on a terminal")
    if done.returncode != 0:
        problems.append(f"exit {done.returncode}")
    if b"\n[1/1] " not in said:
        problems.append(f"no word of the first trial: {said!r}")
    tell("a terminal shows which trial is played, and nothing that its name commands", problems)


def hostile_process():
    """A process whose program, thread and open file are called so; and the way to end it."""
    os.makedirs(HOSTILE + b"-program", exist_ok=True)
    program = HOSTILE + b"-program/parked"
    shutil.copy(f"{BUILD}/tests/subjects/parked", program)
    os.mkfifo(HOSTILE + b"-fifo")

    def name_thread():
        ctypes.CDLL(None).prctl(15, HOSTILE[:15])

    pid = os.fork()
    if pid == 0:
        name_thread()
        os.open(HOSTILE + b"-fifo", os.O_RDWR)
        os.read(os.open(HOSTILE + b"-fifo", os.O_RDWR), 1)
        os._exit(0)
    parked = subprocess.Popen([program, "4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return pid, parked


def check_snapshots():
    problems, seen = [], 0
    reader, parked = hostile_process()
    try:
        deadline = time.monotonic() + 30
        while open(f"/proc/{reader}/comm", "rb").read()[:4] != HOSTILE[:4]:
            if time.monotonic() > deadline:
                problems.append("the process never got its name")
                break
        for pid in (reader, parked.pid):
            for form in ([], ["--all"], ["--json"], ["--all", "--json"], ["--threadz"],
                         ["--no-symbols", "--source", "ptrace"]):
                done, found = run("snapshot", *form, str(pid))
                problems += found
                seen += done.stdout.count(b"FORGED") + done.stdout.count(b"]0;x")
    finally:
        os.kill(reader, 9)
        os.waitpid(reader, 0)
        parked.kill()
        parked.communicate()
    if not seen:
        problems.append("no output names the threads and files")
    tell("a snapshot shows names of threads and files without what they command", problems)


def check_servers():
    with open("nats-server", "wb") as server:
        server.write(b"#!/bin/sh\ncat '" + os.fsencode(os.getcwd()) + b"/log'\n"
                     b"cat '" + os.fsencode(os.getcwd()) + b"/log' >&2\nexit 1\n")
    open("log", "wb").write(b"nats-server: v" + HOSTILE + b"\n[FTL] " + HOSTILE + b"\n")
    os.chmod("nats-server", 0o755)
    path = {**os.environ, "PATH": os.getcwd() + ":" + os.environ["PATH"]}
    problems = run("run", "./tiny.json", "--nats-server", "./nats-server")[1]
    problems += run("doctor", env=path)[1] + run("doctor", "--json", env=path)[1]
    problems += run("run", "./tiny.json", env=path)[1]
    tell("what a server logs is told without what it commands", problems)


def check_drivers():
    problems = []
    for driver in ("abi1", "declares", "faulty", "leaves"):
        path = HOSTILE + b"-" + driver.encode() + b".so"
        shutil.copy(f"{BUILD}/tests/subjects/drivers/{driver}.so", path)
        driver = ["--driver", "./" + os.fsdecode(path)]
        problems += run("run", "./tiny.json", *driver, "--transport", "memory")[1]
        problems += run("run", "./tiny.json", *driver, "--driver-arg", ARGUMENT + "=1")[1]
        problems += run("run", "--list-faults", *driver)[1]
    open(HOSTILE + b".so", "wb").write(HOSTILE)
    problems += run("run", "./tiny.json", "--driver", "./" + ARGUMENT + ".so")[1]
    tell("drivers that are called so command nothing", problems)


def main():
    work = tempfile.mkdtemp(prefix="strandline-test-")
    try:
        os.chdir(work)
        json.dump(TINY, open("tiny.json", "w"))
        check_arguments()
        check_reports()
        check_scenarios()
        check_terminal()
        check_snapshots()
        check_servers()
        check_drivers()
        print(f"1..{number}")
    finally:
        os.chdir("/")
        shutil.rmtree(work)
    sys.exit(failed > 0)


main()
