# SPDX-License-Identifier: Apache-2.0
"""The parts of the campaign.  Each yields Rows."""

import dataclasses
import subprocess
import tempfile
import time

import builds
import process
import programs
import score

STARTED_S = 1.0  # a program says nothing; it is looked at when it has come to rest after this


@dataclasses.dataclass
class Row:
    name: str
    judgements: list = dataclasses.field(default_factory=list)
    kind: str = ""
    skipped: str = ""  # why there is nothing to judge
    failures: list = dataclasses.field(default_factory=list)  # beyond stacks


@dataclasses.dataclass
class Tools:
    dump: str  # program that takes snapshots
    sources: list  # of registers
    oracles: dict

    def judge(self, pid):
        return score.judge_process(self.dump, self.sources, pid, self.oracles)

    def take(self, pid):
        """(source, thread) of one snapshot by each source."""
        for source in self.sources:
            for thread in score.take(self.dump, source, pid).values():
                yield source, thread


def subject(tools, name, command):
    with process.running(command, ready=True) as child:
        return Row(name, tools.judge(child.pid))


def matrix(tools, quick):
    """The same shapes of stack, built in many ways."""
    for way in builds.QUICK if quick else builds.WAYS:
        if absent := builds.missing(way):
            yield Row(way, skipped=f"not installed: {', '.join(absent)}")
            continue
        with tempfile.TemporaryDirectory() as directory:
            program = f"{directory}/matrix"
            try:
                builds.build(way, builds.MATRIX, program)
            except RuntimeError as error:
                yield Row(way, skipped=f"cannot be built: {error}")
                continue
            yield subject(tools, way, [program])


def returned_calls(tools, program):
    """Whether snapshots alone make one of the calls return."""
    with process.running([program], ready=True) as child:
        process.await_quiet(child.pid)
        for _ in range(5):
            list(tools.take(child.pid))
        process.await_quiet(child.pid)
        child.stdin.close()
        child.wait(10)
    return ["a system call returned EINTR"] if child.returncode else []


def calls(tools, quick):
    """Every system call that blocks, and that none of them notices."""
    for way in ("gcc -O2", "gcc -O0"):
        with tempfile.TemporaryDirectory() as directory:
            program = f"{directory}/every_call"
            builds.build(way, [builds.SUBJECTS / "every_call.c"], program)
            row = subject(tools, f"40 system calls, {way}", [program])
            row.failures = returned_calls(tools, program)
            yield row


def functions_of(thread):
    return [frame["function"] or "?" for frame in thread["frames"]]


VFORK = ["vfork", "wait_for_child", "parent", "start_thread", "clone3"]


def judge_vfork(source, thread):
    """No debugger can stop that thread, so it is held against its source."""
    functions = [name.lstrip("_") for name in functions_of(thread)]
    grade = "wrong"
    if thread["complete"] and functions == VFORK:
        grade = "identical"
    elif not thread["complete"] and thread["reason"] and functions == VFORK[:len(functions)]:
        grade = "partial"
    return score.Judgement(thread["name"], grade, source, thread["reason"] or "")


def vfork(tools, directory):
    program = f"{directory}/vfork_parent"
    builds.build("gcc -O2", [builds.SUBJECTS / "vfork_parent.c"], program)
    with process.running([program], ready=True) as child:
        process.await_quiet(child.pid)
        seen = list(tools.take(child.pid))
    return Row("parent of a vfork", [judge_vfork(*one) for one in seen if one[1]["name"] == "vfork"])


def judge_flicker(source, thread):
    """It was in one chain or in the other, or still or again in neither."""
    chain = [name for name in functions_of(thread) if name.startswith(("left_", "right_"))]
    whole = [f"{chain[0].split('_')[0]}_{i}" for i in range(4, -1, -1)] if chain else []
    possible = chain == whole[len(whole) - len(chain):] if thread["complete"] else \
        chain == whole[:len(chain)]
    if not possible or not (thread["complete"] or thread["reason"]):
        return score.Judgement(thread["name"], "wrong", source, " ".join(chain))
    grade = "identical" if thread["complete"] else "partial"
    return score.Judgement(thread["name"], grade, source, thread["reason"] or "")


def flicker(tools, directory, snapshots):
    program, judgements = f"{directory}/flicker", []
    builds.build("gcc -O2", [builds.SUBJECTS / "flicker.c"], program,
                 ["-fno-optimize-sibling-calls"])
    with process.running([program, "24"], ready=True) as child:
        for _ in range(snapshots):
            judgements += [judge_flicker(source, thread) for source, thread in tools.take(child.pid)
                           if thread["name"] == "flicker"]
    return Row(f"threads that never rest, {snapshots} snapshots", judgements)


def unloaded(tools, directory):
    program, libraries = f"{directory}/unloaded", []
    builds.build("gcc -O2", [builds.SUBJECTS / "unloaded.c"], program)
    for number, frame in enumerate((64, 64, 64, 200)):
        libraries.append(f"{directory}/library{number}.so")
        builds.build("gcc -O2", [builds.SUBJECTS / "unloaded_library.c"], libraries[-1],
                     ["-fPIC", "-shared", f"-DLIBRARY_FRAME={frame}"])
    return subject(tools, "libraries deleted, closed and replaced", [program, *libraries])


def plugins(tools, directory):
    """Stacks that differ in nothing but which of the libraries beside them they lead through."""
    program, arguments = f"{directory}/plugin_host", []
    builds.build("gcc -O2", [builds.SUBJECTS / "plugin_host.c"], program,
                 ["-fno-optimize-sibling-calls"])
    for name in ("audio", "video", "bills"):
        library = f"{directory}/plugin_{name}.so"
        builds.build("gcc -O2", [builds.SUBJECTS / "plugin.c"], library,
                     ["-fPIC", "-shared", f"-DPLUGIN_WORK=work_in_{name}"])
        arguments.append(f"{name}={library}")
    for pages in ("0", "16", "-0", "-100"):
        where = f"{pages.lstrip('-')} pages {'before' if pages[0] == '-' else 'behind'} plug-ins"
        yield subject(tools, f"stacks {where}", [program, pages, *arguments])


def moved(tools, directory):
    program, library = f"{directory}/moved_code", f"{directory}/library.so"
    builds.build("gcc -O2", [builds.SUBJECTS / "moved_code.c"], program,
                 ["-fno-optimize-sibling-calls", "-Wl,-z,separate-code,-z,max-page-size=0x200000"])
    builds.build("gcc -O2", [builds.SUBJECTS / "unloaded_library.c"], library, ["-fPIC", "-shared"])
    for way in ("kept", "anonymous", "part", "memfd"):
        yield subject(tools, f"code moved out of its files: {way}", [program, way, library])


def odd(tools, quick):
    """Processes in unusual states."""
    with tempfile.TemporaryDirectory() as directory:
        program = f"{directory}/matrix"
        builds.build("gcc -O2", builds.MATRIX, program)
        yield subject(tools, "leader has exited", [program, "leader-gone"])
        yield vfork(tools, directory)
        yield unloaded(tools, directory)
        yield from plugins(tools, directory)
        yield from moved(tools, directory)
        yield flicker(tools, directory, 10 if quick else 100)


def version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode()


def real_program(tools, name, program):
    row = Row(name, kind=program.kind)
    if not program.path():
        row.skipped = f"not installed: {program.package or program.command[0]}"
        return row
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory, \
            programs.start(program, directory) as child:
        time.sleep(STARTED_S)
        process.await_quiet(child.pid)
        if child.poll() is not None:
            row.skipped = f"it ended by itself with status {child.returncode}"
            return row
        for pid in process.family(child.pid):
            row.judgements += tools.judge(pid)
    number = version(program.package) if program.package else ""
    row.name += f" {number}" if number else ""
    return row


def real(tools, quick):
    """Programs of Debian."""
    for name, program in programs.PROGRAMS.items():
        if not quick or program.path():
            yield real_program(tools, name, program)


PARTS = {"matrix": matrix, "calls": calls, "odd": odd, "programs": real}
QUICK_PARTS = ("matrix", "calls", "odd")
