/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/permissions.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/macros.h"
#include "reports/format.h"

/* The first kernel whose BPF programs can read registers and stacks of other tasks. */
#define BPF_MAJOR 5
#define BPF_MINOR 18

static void check_kernel(struct doctor *doctor)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2) {
        doctor_add(doctor, "kernel", DOCTOR_LIMITED, "it is not known what the kernel can do", NULL,
                   "version not known");
        return;
    }
    bool new_enough = major > BPF_MAJOR || (major == BPF_MAJOR && minor >= BPF_MINOR);
    doctor_add(doctor, "kernel", new_enough ? DOCTOR_OK : DOCTOR_LIMITED,
               "no bpf source: snapshots take longer", "run Linux 5.18 or newer", "%s %s %s",
               name.sysname, name.release, name.machine);
}

static void check_yama(struct doctor *doctor)
{
    int scope = doctor->permissions.ptrace_scope;
    bool may_trace = sl_permissions_have(&doctor->permissions, CAP_SYS_PTRACE);

    if (scope == SL_NO_YAMA) {
        doctor_add(doctor, "yama", DOCTOR_OK, NULL, NULL, "not in force");
        return;
    }
    bool harmless = scope == 0 || (scope < 3 && may_trace);
    doctor_add(doctor, "yama", harmless ? DOCTOR_OK : DOCTOR_LIMITED,
               scope == 1   ? "only processes that strandline started can be looked at"
               : scope == 2 ? "no other process can be looked at without CAP_SYS_PTRACE"
                            : "no other process can be looked at",
               scope < 3 ? "run as root, or 'sysctl kernel.yama.ptrace_scope=0'"
                         : "reboot with another kernel.yama.ptrace_scope; 3 cannot be undone",
               "ptrace_scope %d", scope);
}

static void check_capabilities(struct doctor *doctor)
{
    const struct sl_permissions *permissions = &doctor->permissions;
    bool ptrace = sl_permissions_have(permissions, CAP_SYS_PTRACE);
    bool admin = sl_permissions_have(permissions, CAP_SYS_ADMIN);
    bool bpf = admin || (sl_permissions_have(permissions, CAP_BPF) &&
                         sl_permissions_have(permissions, CAP_PERFMON));

    if (!permissions->status_known) {
        doctor_add(doctor, "capabilities", DOCTOR_LIMITED, "it is not known what is permitted",
                   "mount /proc", "cannot read '/proc/self/status'");
        return;
    }
    doctor_add(doctor, "capabilities", ptrace && bpf ? DOCTOR_OK : DOCTOR_LIMITED,
               ptrace ? "no bpf source: snapshots take longer"
               : bpf  ? "processes of other users cannot be looked at"
                      : "processes of other users cannot be looked at, and there is no bpf source",
               ptrace ? "run as root, or 'setcap cap_bpf,cap_perfmon+ep' on strandline"
                      : "run as root, or 'setcap cap_sys_ptrace,cap_bpf,cap_perfmon+ep' on "
                        "strandline; in a container '--cap-add' them",
               "%s%s%s", ptrace ? "CAP_SYS_PTRACE" : "no CAP_SYS_PTRACE", ", ",
               admin ? "CAP_SYS_ADMIN"
               : bpf ? "CAP_BPF and CAP_PERFMON"
                     : "no CAP_BPF with CAP_PERFMON");
}

static void check_confinement(struct doctor *doctor)
{
    static const char *const modes[] = {"off", "strict", "a filter is in force"};
    const struct sl_permissions *permissions = &doctor->permissions;

    if (permissions->status_known)
        doctor_add(doctor, "seccomp", permissions->seccomp ? DOCTOR_LIMITED : DOCTOR_OK,
                   "system calls may be refused; the sources below were tried and show which",
                   "in a container '--security-opt seccomp=unconfined'", "%s",
                   modes[permissions->seccomp]);
    doctor_add(doctor, "dumpable", permissions->dumpable ? DOCTOR_OK : DOCTOR_LIMITED,
               "strandline may not read its own registers, and its children inherit that",
               "run strandline without file capabilities or changed user ids, or as root", "%s",
               permissions->dumpable ? "yes" : "no");
    doctor_add(doctor, "btf", permissions->btf ? DOCTOR_OK : DOCTOR_LIMITED,
               "no bpf source: snapshots take longer", "run a kernel with CONFIG_DEBUG_INFO_BTF",
               "%s",
               permissions->btf ? "/sys/kernel/btf/vmlinux" : "/sys/kernel/btf/vmlinux is missing");
}

void doctor_check_permissions(struct doctor *doctor)
{
    sl_permissions_read(&doctor->permissions);
    check_kernel(doctor);
    check_yama(doctor);
    check_capabilities(doctor);
    check_confinement(doctor);
}

static void add_trial(struct doctor *doctor, const char *name,
                      const struct sl_snapshot_trial *trial, enum doctor_state otherwise,
                      const char *cost, const char *fix)
{
    char duration[SL_FORMAT_MAX];

    if (trial->err.status) {
        doctor_add(doctor, name, otherwise, cost, fix, "%s",
                   *trial->err.text ? trial->err.text : sl_status_text(trial->err.status));
        return;
    }
    sl_format_time(trial->duration_ns, duration);
    doctor_add(doctor, name, trial->complete ? DOCTOR_OK : DOCTOR_LIMITED,
               "stacks are cut off: leaks are grouped less well", NULL, "%s in %s",
               trial->complete ? "a complete stack" : "a stack that is not complete", duration);
}

static void add_symbols(struct doctor *doctor, const struct sl_snapshot_trial *trial)
{
    if (trial->err.status)
        return;
    doctor_add(doctor, "libc symbols", trial->libc_lines ? DOCTOR_OK : DOCTOR_LIMITED,
               "frames inside the C library have no file and line, and fewer names",
               "apt install libc6-dbg", "%s",
               trial->libc_lines ? "debug symbols are installed" : "no debug symbols");
}

void doctor_check_sources(struct doctor *doctor)
{
    struct sl_capability seen;
    struct sl_error err = {0};

    if (sl_capability_probe(&seen, &err)) {
        doctor_add(doctor, "snapshot", DOCTOR_MISSING, "no subject can be started", NULL, "%s",
                   err.text);
        return;
    }
    doctor_add(doctor, "process_vm_readv", seen.read_memory.status ? DOCTOR_LIMITED : DOCTOR_OK,
               "memory is read through /proc/PID/mem, call by call: snapshots take longer",
               "allow it in the seccomp filter; it needs CONFIG_CROSS_MEMORY_ATTACH", "%s",
               seen.read_memory.status ? seen.read_memory.text : "reads the memory of a child");
    bool built_in = seen.sources[SL_SNAPSHOT_BPF].err.status != SL_ENOTSUP;
    add_trial(doctor, "source bpf", &seen.sources[SL_SNAPSHOT_BPF], DOCTOR_LIMITED,
              "snapshots take longer; nothing is lost",
              built_in ? "run with CAP_BPF and CAP_PERFMON, as root for example"
                       : "apt install libbpf-dev clang bpftool, build with '-Dbpf=enabled'");
    add_trial(doctor, "source proc", &seen.sources[SL_SNAPSHOT_PROC], DOCTOR_LIMITED,
              "blocked threads cannot be read without a stop, unless bpf can",
              "permit ptrace of children: see yama, seccomp and dumpable");
    add_trial(doctor, "source ptrace", &seen.sources[SL_SNAPSHOT_PTRACE], DOCTOR_LIMITED,
              "threads that are on a CPU stay without a stack",
              "permit ptrace: in a container '--cap-add SYS_PTRACE'");
    add_trial(doctor, "own process", &seen.own, DOCTOR_LIMITED,
              "the library cannot look at the process it is in", "see dumpable and seccomp");
    add_trial(doctor, "snapshot", &seen.sources[SL_SNAPSHOT_AUTO], DOCTOR_MISSING,
              "threads of subjects cannot be looked at", "permit one of the sources above");
    add_symbols(doctor, &seen.sources[SL_SNAPSHOT_AUTO]);
}
