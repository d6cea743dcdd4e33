# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian that work a little, again and again, while proofs are taken of them.

In commands and files, {dir} is a directory of the program's own and {port} a free port.
"""

import dataclasses
import os
import shutil
import socket
import subprocess

LOAD_S = 5  # a load at most
HTTP = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | socat -t1 - "

PYTHON_POOL = """
import concurrent.futures, hashlib, queue, sys, threading
tasks = queue.Queue()
threading.Thread(target=lambda: [tasks.get() for _ in iter(int, 1)], daemon=True).start()
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for line in sys.stdin:
        tasks.put(line)
        list(pool.map(lambda n: hashlib.sha256(bytes(n)).digest(), range(1000)))
"""
NODE_POOL = """
const crypto = require('crypto'), { Worker } = require('worker_threads');
const worker = new Worker("require('worker_threads').parentPort.on('message', () => {})",
                          { eval: true });
process.stdin.on('data', () => {
  worker.postMessage(1);
  for (let i = 0; i < 8; i++) crypto.pbkdf2('a', 'b', 1000, 32, 'sha256', () => {});
}).on('end', () => process.exit());
"""
JAVA_POOL = """
import java.util.concurrent.*;
public class Pool {
    public static void main(String[] arguments) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        for (int c; (c = System.in.read()) >= 0;)
            for (int i = 0; i < 50; i++)
                pool.submit(() -> "x".repeat(10000).hashCode());
        pool.shutdown();
    }
}
"""
RUBY_POOL = """
work = Queue.new
4.times { Thread.new { while n = work.pop; (1..n).sum { |i| i * i }; end } }
while gets; 20.times { work << 1000 }; end
work.close
"""
ERLANG_POOL = """
F = fun(G) -> case io:get_line("") of eof -> halt(); _ ->
  [spawn(fun() -> lists:sort([rand:uniform(9) || _ <- lists:seq(1, 1000)]) end)
   || _ <- lists:seq(1, 50)], G(G) end end, F(F).
"""
NGINX = """
daemon off; worker_processes 2; error_log stderr crit; pid {dir}/nginx.pid; user root;
thread_pool default threads=4;
events {{ worker_connections 16; }}
http {{ access_log off; aio threads; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; root {dir};
  server {{ listen unix:{dir}/socket; }} }}
"""
APACHE = """
ServerRoot {dir}
PidFile {dir}/pid
Listen 127.0.0.1:{port}
ServerName localhost
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ErrorLog {dir}/log
DocumentRoot {dir}
"""
HAPROXY = """
global
  nbthread 4
  stats socket {dir}/socket
defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend f
  bind 127.0.0.1:{port}
"""
UNBOUND = """
server:
  num-threads: 4
  interface: 127.0.0.1@{port}
  username: ""
  chroot: ""
  directory: {dir}
  pidfile: {dir}/pid
  use-syslog: no
  local-data: "a.test. A 127.0.0.1"
"""
NAMED = """
options {{ directory "{dir}"; pid-file "{dir}/pid"; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; session-keyfile "{dir}/key"; recursion no; }};
controls {{ }};
"""
KNOT = """
server:
    rundir: {dir}
    listen: 127.0.0.1@{port}
    udp-workers: 4
database:
    storage: {dir}
"""
RSYSLOG = """
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/socket" CreatePath="off")
main_queue(queue.workerthreads="4" queue.workerthreadminimummessages="1")
action(type="omfile" file="{dir}/log" queue.type="linkedList")
"""
STUNNEL = """
foreground = yes
pid =
[one]
client = yes
accept = 127.0.0.1:{port}
connect = 127.0.0.1:1
"""
DBUS = """<busconfig><type>session</type><listen>unix:path={dir}/socket</listen>
<policy context="default"><allow send_destination="*"/>
<allow receive_sender="*"/><allow own="*"/></policy></busconfig>
"""
QUERY = ("python3 -c \"import socket; s = socket.socket(2, 2); s.settimeout(1);"
         "s.sendto(bytes.fromhex('00010000000100000000000001610474657374000001 0001'),"
         "('127.0.0.1', {port})); s.recv(512)\"")
LINES = "\n" * 5
BUS = "DBUS_SESSION_BUS_ADDRESS=unix:path={dir}/socket"
LIST_NAMES = (BUS + " gdbus call -e -d org.freedesktop.DBus -o /org/freedesktop/DBus"
              " -m org.freedesktop.DBus.ListNames")


@dataclasses.dataclass
class Program:
    package: str
    command: list
    load: str = ""  # of a shell, each round
    files: dict = dataclasses.field(default_factory=dict)
    typed: str = ""  # what its standard input gets, each round
    before: str = ""  # of a shell, once
    after: str = ""


PROGRAMS = {
    "redis": Program("redis-server", ["redis-server", "--port", "0", "--unixsocket", "{dir}/socket",
                                      "--dir", "{dir}", "--io-threads", "4"],
                     "redis-benchmark -s {dir}/socket -n 100 -q -t set,get,lpush; "
                     "redis-cli -s {dir}/socket flushall async; redis-cli -s {dir}/socket bgsave"),
    "memcached": Program("memcached", ["memcached", "-s", "{dir}/socket", "-u", "root"],
                         "for i in 1 2 3 4 5; do printf 'set a 0 0 1\\r\\nx\\r\\nget a\\r\\nquit\\r\\n'"
                         " | socat - UNIX-CONNECT:{dir}/socket; done"),
    "nginx": Program("nginx-light", ["nginx", "-p", "{dir}", "-c", "{dir}/nginx.conf"],
                     HTTP + "UNIX-CONNECT:{dir}/socket", {"nginx.conf": NGINX, "index.html": LINES}),
    "apache2": Program("apache2-bin", ["apache2", "-X", "-f", "{dir}/apache.conf"],
                       HTTP + "TCP:127.0.0.1:{port}", {"apache.conf": APACHE, "index.html": LINES}),
    "haproxy": Program("haproxy", ["haproxy", "-db", "-f", "{dir}/haproxy.conf"],
                       "echo show info | socat - UNIX-CONNECT:{dir}/socket;" + HTTP
                       + "TCP:127.0.0.1:{port}", {"haproxy.conf": HAPROXY}),
    "varnishd": Program("varnish", ["varnishd", "-F", "-n", "{dir}/v", "-b", "127.0.0.1:1", "-a",
                                    "127.0.0.1:{port}"], HTTP + "TCP:127.0.0.1:{port}"),
    "mosquitto": Program("mosquitto", ["mosquitto", "-p", "{port}"],
                         "mosquitto_pub -p {port} -t a -m b; mosquitto_sub -p {port} -t a -W 1 & "
                         "mosquitto_pub -p {port} -t a -m b; wait"),
    "mariadbd": Program("mariadb-server",
                        ["mariadbd", "--no-defaults", "--datadir={dir}/data", "--user=root",
                         "--skip-networking", "--socket={dir}/socket",
                         "--thread-handling=pool-of-threads"],
                        "mariadb -S {dir}/socket -e 'create database if not exists d; use d; "
                        "create table if not exists t (i int); insert into t values (1), (2); "
                        "select count(*) from t'",
                        before="mariadb-install-db --no-defaults --datadir={dir}/data --user=root "
                               "--auth-root-authentication-method=normal --skip-test-db"),
    "unbound": Program("unbound", ["unbound", "-d", "-c", "{dir}/unbound.conf"], QUERY,
                       {"unbound.conf": UNBOUND}),
    "named": Program("bind9", ["named", "-f", "-n", "4", "-c", "{dir}/named.conf"], QUERY,
                     {"named.conf": NAMED}),
    "knotd": Program("knot", ["knotd", "-c", "{dir}/knot.conf"], QUERY, {"knot.conf": KNOT}),
    "gearmand": Program("gearman-job-server", ["gearmand", "-L", "127.0.0.1", "-p", "{port}", "-t",
                                               "4", "-l", "stderr", "--keepalive"],
                        "printf 'status\\nworkers\\n' | socat -t0.5 - TCP:127.0.0.1:{port}"),
    "rsyslogd": Program("rsyslog", ["rsyslogd", "-n", "-iNONE", "-f", "{dir}/rsyslog.conf"],
                        "seq 200 | logger -u {dir}/socket", {"rsyslog.conf": RSYSLOG}),
    "nats-server": Program("nats-server", ["nats-server", "-a", "127.0.0.1", "-p", "{port}", "-js",
                                           "-sd", "{dir}"],
                           "printf 'SUB a 1\\r\\nPUB a 1\\r\\nx\\r\\nPING\\r\\n'"
                           " | socat -t1 - TCP:127.0.0.1:{port}"),
    "stunnel": Program("stunnel4", ["stunnel4", "{dir}/stunnel.conf"],
                       "for i in 1 2 3; do echo x | socat -t1 - TCP:127.0.0.1:{port}; done",
                       {"stunnel.conf": STUNNEL}),
    "dbus-daemon": Program("dbus-daemon", ["dbus-daemon", "--config-file={dir}/bus", "--nofork"],
                           "for i in 1 2 3; do " + LIST_NAMES + "; done",
                           {"bus": DBUS}),
    "gdbus": Program("libglib2.0-bin", ["env", BUS, "gdbus", "monitor", "-e", "-d",
                                        "org.freedesktop.DBus"], LIST_NAMES, {"bus": DBUS},
                     before="dbus-daemon --config-file={dir}/bus --fork --print-pid > {dir}/helper",
                     after="kill $(cat {dir}/helper)"),
    "gio": Program("libglib2.0-bin", ["gio", "monitor", "{dir}"], "touch {dir}/a; rm {dir}/a"),
    "beanstalkd": Program("beanstalkd", ["beanstalkd", "-l", "127.0.0.1", "-p", "{port}", "-b",
                                         "{dir}"],
                          "printf 'put 1 0 60 1\\r\\nx\\r\\nreserve\\r\\nquit\\r\\n'"
                          " | socat -t1 - TCP:127.0.0.1:{port}"),
    "lighttpd": Program("lighttpd", ["lighttpd", "-D", "-f", "{dir}/lighttpd.conf"],
                        HTTP + "UNIX-CONNECT:{dir}/socket",
                        {"lighttpd.conf": 'server.document-root = "{dir}"\n'
                                          'server.bind = "{dir}/socket"\n'}),
    "tor": Program("tor", ["tor", "--DisableNetwork", "1", "--DataDirectory", "{dir}/data",
                           "--SocksPort", "0", "--ControlSocket", "{dir}/socket"],
                   "printf 'AUTHENTICATE\\r\\nGETINFO version\\r\\nQUIT\\r\\n'"
                   " | socat -t1 - UNIX-CONNECT:{dir}/socket"),
    "pulseaudio": Program("pulseaudio", ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no",
                                         "--exit-idle-time=-1", "-L", "module-null-sink", "-L",
                                         "module-native-protocol-unix socket={dir}/socket "
                                         "auth-anonymous=1"],
                          "pactl -s unix:{dir}/socket list sinks"),
    "python3": Program("python3", ["/usr/bin/python3", "-c", PYTHON_POOL], typed=LINES),
    "node": Program("nodejs", ["node", "-e", NODE_POOL], typed=LINES),
    "java": Program("default-jre-headless", ["java", "-Xmx64m", "{dir}/Pool.java"],
                    files={"Pool.java": JAVA_POOL}, typed=LINES),
    "ruby": Program("ruby", ["ruby", "-e", RUBY_POOL], typed=LINES),
    "erlang": Program("erlang-base", ["erl", "-noshell", "-eval", ERLANG_POOL], typed=LINES),
    "gdb": Program("gdb", ["gdb", "-nx", "-q", "/usr/bin/gdb"], typed="info line main\n"),
    "clangd": Program("clangd", ["clangd", "-j=4", "--background-index=0"],
                      typed='Content-Length: 79\r\n\r\n{{"jsonrpc":"2.0","id":1,"method":'
                            '"initialize","params":{{"capabilities":{{}}}}     }}'),
    "pigz": Program("pigz", ["pigz", "-p", "4", "-c"], typed="some text\n" * 50000),
    "xz": Program("xz-utils", ["xz", "-T4", "--block-size=100000", "-c"],
                  typed="some text\n" * 50000),
    "zstd": Program("zstd", ["zstd", "-T4", "-B100000", "-c"], typed="some text\n" * 50000),
    "ffmpeg": Program("ffmpeg", ["ffmpeg", "-v", "quiet", "-re", "-f", "lavfi", "-i",
                                 "testsrc=size=320x240:rate=25", "-threads", "4", "-f", "null",
                                 "-"]),
    "ripgrep": Program("ripgrep", ["rg", "-j4", "needle", "-"], typed="hay\n" * 1000),
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Place:
    """Where a program runs: its directory, its port, and what becomes of its texts."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.words = {"dir": directory, "port": free_port()}
        self.environment = {**os.environ, "HOME": directory, "TERM": "dumb",
                            "XDG_RUNTIME_DIR": directory}

    def fill(self, text):
        return text.format(**self.words)

    def command(self):
        # What is code for an interpreter has braces of its own.
        return [word if "\n" in word else self.fill(word) for word in self.program.command]

    def prepare(self):
        for name, text in self.program.files.items():
            with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text if name.endswith(".java") else self.fill(text))
        if self.program.before:
            self.shell(self.program.before, 120)

    def shell(self, text, patience):
        """A load that fails is none: the program is looked at all the same."""
        shell = subprocess.Popen(["sh", "-c", self.fill(text)], cwd=self.directory,
                                 env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return shell.wait(patience)
        except subprocess.TimeoutExpired:
            shell.kill()
            return shell.wait()

    def load(self, child):
        """@return whether there was any"""
        if self.program.typed:
            child.stdin.write(self.fill(self.program.typed).encode())
            child.stdin.flush()
        return not self.program.load or self.shell(self.program.load, LOAD_S) == 0


def missing(program):
    return not shutil.which(program.command[0])
