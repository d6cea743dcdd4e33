# SPDX-License-Identifier: Apache-2.0
"""Real programs of Debian, each brought to a point where it waits.

They listen, if at all, on a socket in the file system below a directory of the run's.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess

import process

READ_LINE_IN_THREADS = """
import sys, threading, queue, time, select, socket
never = queue.Queue()
for work in (never.get, threading.Event().wait, lambda: time.sleep(36000),
             lambda: select.select([sys.stdin], [], []), threading.Condition().acquire):
    threading.Thread(target=work, daemon=True).start()
sys.stdin.readline()
"""
RUBY_THREADS = "Thread.new { Queue.new.pop }; Thread.new { sleep }; [3, 1].sort_by { $stdin.gets }"
LUA_LOOP = "local function f(n) if n > 0 then return 1 + f(n - 1) end return #io.read() end f(20)"
NODE_WAIT = """
const { Worker } = require('worker_threads');
new Worker('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', { eval: true });
process.stdin.on('data', () => {});
"""
# Hot before it waits, so that what calls into the runtime is compiled code.
NODE_HOT = """
const cell = new Int32Array(new SharedArrayBuffer(4));
function inner(wait) { return wait ? Atomics.wait(cell, 0, 0) : Math.sqrt(2); }
function outer(wait) { let s = 0; for (let i = 0; i < 9; i++) s += inner(wait).length; return s; }
for (let i = 0; i < 100000; i++) outer(false);
outer(true);
"""
JAVA_WAIT = """
public class Wait {
    static void level(int depth) throws Exception {
        if (depth > 0) level(depth - 1); else synchronized (Wait.class) { Wait.class.wait(); }
    }
    public static void main(String[] arguments) throws Exception {
        new Thread(() -> { try { level(20); } catch (Exception e) { } }).start();
        Thread.sleep(36000000);
    }
}
"""
NGINX = """
daemon off; worker_processes 2; error_log stderr crit; pid {dir}/nginx.pid;
events {{ worker_connections 16; }}
http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen unix:{dir}/nginx; }} }}
"""
MOSQUITTO = "listener 0 {dir}/mosquitto\nallow_anonymous true\nuser root\n"
LIGHTTPD = 'server.document-root = "{dir}"\nserver.bind = "{dir}/lighttpd"\n'
HAPROXY = """
global
  nbthread 4
  stats socket {dir}/haproxy-stats
defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend f
  bind unix@{dir}/haproxy
"""


@dataclasses.dataclass
class Program:
    kind: str
    package: str  # of Debian; "": of none
    command: list  # "{dir}" is a directory of its own
    files: dict = dataclasses.field(default_factory=dict)  # below that directory
    full_output: bool = False  # nobody reads its standard output, so that it waits to write

    def path(self):
        return shutil.which(self.command[0])


def official_rustc():
    """The compiler of a toolchain of rustup's, whose code lies behind a large .bss."""
    home = pathlib.Path(os.environ.get("RUSTUP_HOME", pathlib.Path.home() / ".rustup"))
    return str(next(iter(sorted(home.glob("toolchains/stable*/bin/rustc"))),
                    "rustc of an official toolchain"))


PROGRAMS = {
    "sleep": Program("C", "coreutils", ["sleep", "36000"]),
    "cat": Program("C", "coreutils", ["cat"]),
    "yes": Program("C", "coreutils", ["yes"], full_output=True),
    "dash": Program("C", "dash", ["dash", "-c", "read x"]),
    "bash": Program("C", "bash", ["bash", "-c", "f() { read x; }; while f; do :; done"]),
    "sqlite3": Program("C", "sqlite3", ["sqlite3", "-interactive", ":memory:"]),
    "nats-server": Program("Go", "nats-server",
                           ["nats-server", "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", "{dir}"]),
    "redis": Program("C", "redis-server",
                     ["redis-server", "--port", "0", "--unixsocket", "{dir}/redis", "--dir",
                      "{dir}", "--io-threads", "4", "--hz", "1"]),
    "memcached": Program("C", "memcached", ["memcached", "-s", "{dir}/memcached", "-u", "root"]),
    "nginx": Program("C", "nginx-light", ["nginx", "-p", "{dir}", "-c", "{dir}/nginx.conf"],
                     {"nginx.conf": NGINX}),
    "mosquitto": Program("C", "mosquitto", ["mosquitto", "-c", "{dir}/mosquitto.conf"],
                         {"mosquitto.conf": MOSQUITTO}),
    "lighttpd": Program("C", "lighttpd", ["lighttpd", "-D", "-f", "{dir}/lighttpd.conf"],
                        {"lighttpd.conf": LIGHTTPD}),
    "haproxy": Program("C", "haproxy", ["haproxy", "-db", "-f", "{dir}/haproxy.conf"],
                       {"haproxy.conf": HAPROXY}),
    "socat": Program("C", "socat", ["socat", "UNIX-LISTEN:{dir}/socat", "STDIO"]),
    "tmux": Program("C", "tmux", ["tmux", "-D", "-f", "/dev/null", "-S", "{dir}/tmux"]),
    "ssh-agent": Program("C", "openssh-client", ["ssh-agent", "-D", "-a", "{dir}/agent"]),
    "gdb": Program("C++", "gdb", ["gdb", "-nx", "-q"]),
    "clangd": Program("C++", "clangd", ["clangd"]),
    "cmake": Program("C++", "cmake", ["cmake", "-E", "sleep", "36000"]),
    "ripgrep": Program("Rust", "ripgrep", ["rg", "needle", "-"]),
    "ripgrep, 4 threads": Program("Rust", "ripgrep", ["rg", "-j4", "--files", "/usr"],
                                  full_output=True),
    "fd": Program("Rust", "fd-find", ["fdfind", "-j4", ".", "/usr"], full_output=True),
    "rustc": Program("Rust", "", [official_rustc(), "-"]),
    "python3": Program("interpreter", "python3", ["/usr/bin/python3", "-c", READ_LINE_IN_THREADS]),
    "perl": Program("interpreter", "perl", ["perl", "-e", "sub f { <STDIN> } map { f() } 1..3"]),
    "ruby": Program("interpreter", "ruby", ["ruby", "-e", RUBY_THREADS]),
    "lua": Program("interpreter", "lua5.4", ["lua5.4", "-e", LUA_LOOP]),
    "tclsh": Program("interpreter", "tcl", ["tclsh"]),
    "php": Program("interpreter", "php-cli", ["php", "-r", "usleep(10); fgets(STDIN);"]),
    "chromium": Program("C++", "chromium",
                        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                         "--no-first-run", "--disable-background-networking",
                         "--disable-component-update", "--disable-sync",
                         "--user-data-dir={dir}/profile", "about:blank"]),
    "luajit": Program("JIT", "luajit", ["luajit", "-e", LUA_LOOP]),
    "guile": Program("JIT", "guile-3.0", ["guile", "-q", "-c", "(map read-char (list "
                                          "(current-input-port)))"]),
    "erlang": Program("JIT", "erlang-base", ["erl", "-noshell", "-noinput"]),
    "node": Program("JIT", "nodejs", ["node", "-e", NODE_WAIT]),
    "node, hot code": Program("JIT", "nodejs", ["node", "-e", NODE_HOT]),
    "node, code in large pages": Program("JIT", "nodejs",
                                         ["node", "--use-largepages=on", "-e", NODE_WAIT]),
    "java": Program("JIT", "default-jdk-headless", ["java", "-Xmx64m", "{dir}/Wait.java"],
                    {"Wait.java": JAVA_WAIT}),
}


def absent():
    """{package: [names]} of what is not installed."""
    packages = {}
    for name, program in PROGRAMS.items():
        if program.package and not program.path():
            packages.setdefault(program.package, []).append(name)
    return packages


def install(packages):
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False,
                          stdout=2).returncode == 0


def start(program, directory):
    """A context in which the program runs.  Yields its Popen object."""
    directory = pathlib.Path(directory)
    for name, text in program.files.items():
        (directory / name).write_text(text.format(dir=directory) if "{dir}" in text else text)
    command = [word.replace("{dir}", str(directory)) for word in program.command]
    options = {"cwd": directory, "env": {**os.environ, "HOME": str(directory), "TERM": "dumb"}}
    if program.full_output:
        options["stdout"] = subprocess.PIPE
    return process.running(command, **options)
