#!/usr/bin/env python3
"""Redis as it is run in production: behind TLS, with users and prefixes, found by Sentinels, in a cluster, with replicas.
    redis_production_test.py [CLASS[.test]...]"""

import contextlib
import random
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import redis_world
import support
from redis_world import Client
from support import until

PASSWORD = "correct-horse-battery-staple"


class TestCase(redis_world.TestCase):
    def config(self, redis, more="", timeout="2s", workers=1, secrets="{env: SESSION_KEY}"):
        """A configuration with these lines for session.redis."""
        text = redis_world.config("URL", self.writer().port, workers, timeout, secrets, more)
        return text.replace('{url: "URL", timeout: %s}' % timeout, "{%s, timeout: %s}" % (redis, timeout))

    def serves(self, proxy):
        cookie = until("a set works", lambda: (a := proxy.post("/setName", name="Alice")).status == 303 and a.cookie())
        self.assertEqual(proxy.name(cookie), "Alice")
        return cookie

    def shown(self, proxy):
        return support.request(proxy.admin, "/config").body

    def used(self, proxy):
        """What /readyz?verbose says of the store."""
        body = support.request(proxy.admin, "/readyz?verbose").body
        return re.search(r"^store: (.*)$", body, re.M)[1]


class Access(TestCase):
    def test_a_user_and_a_password_from_a_file_that_is_read_again(self):
        redis = self.redis()
        redis.ask("ACL", "SETUSER", "app", "on", ">first", "~*", "+@all")
        (self.folder / "password").write_text("first\n")
        text = self.config(f'url: "{redis.url}", username: app, password: {{file: {self.folder}/password}}')
        proxy = self.proxy(text)
        cookie = self.serves(proxy)
        redis.ask("ACL", "SETUSER", "app", "resetpass", ">second")
        redis.ask("CLIENT", "KILL", "USER", "app")
        proxy.said("session.redis.password")
        (self.folder / "password").write_text("second\n")
        proxy.reload(text, "taken|reload")
        until("Alice is back", lambda: proxy.name(cookie) == "Alice")
        for secret in ("first", "second"):
            self.assertNotIn(secret, proxy.text)
            self.assertNotIn(secret, self.shown(proxy))

    def test_a_prefix_keeps_two_of_them_apart(self):
        redis = self.redis()
        proxy = self.proxy(self.config(f'url: "{redis.url}", prefix: "shop[1]:"'))
        cookie = self.serves(proxy)
        self.assertEqual(redis.keys(), [self.key(cookie).replace("keepsake:", "shop[1]:")])


class Tls(TestCase):
    def certificates(self):
        """An authority, and a certificate of it for localhost, in files."""
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
                "-out", "ca.crt", "-subj", "/CN=authority", "-days", "2")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "redis.key",
                "-out", "redis.csr", "-subj", "/CN=redis.example")
        (self.folder / "names").write_text("subjectAltName=DNS:redis.example\n")
        openssl("x509", "-req", "-in", "redis.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-out", "redis.crt", "-days", "2",
                "-extfile", "names")

    def server(self, clients="no"):
        self.certificates()
        port = support.free_port()
        redis = self.redis("--tls-port", str(port), "--tls-cert-file", f"{self.folder}/redis.crt", "--tls-key-file",
                           f"{self.folder}/redis.key", "--tls-ca-cert-file", f"{self.folder}/ca.crt", "--tls-auth-clients",
                           clients)
        return redis, port

    def test_a_server_is_verified_by_its_authority_and_name(self):
        redis, port = self.server()
        good = f'url: "rediss://127.0.0.1:{port}/0", tls: {{ca: {self.folder}/ca.crt, server_name: redis.example}}'
        proxy = self.proxy(self.config(good))
        cookie = self.serves(proxy)
        self.assertEqual(redis.keys(), [self.key(cookie)])
        bad = good.replace("redis.example", "other.example")
        proxy.reload(self.config(bad), "taken|reload")
        proxy.said("no TLS")
        self.assertIsNone(proxy.name(cookie))
        self.assertIsNone(proxy.get(cookie).headers["Set-Cookie"])
        proxy.reload(self.config(good), "taken|reload")
        until("Alice is back", lambda: proxy.name(cookie) == "Alice")

    def test_a_server_that_wants_a_certificate_gets_one(self):
        _, port = self.server(clients="yes")
        tls = f"ca: {self.folder}/ca.crt, server_name: redis.example"
        mine = f", certificate: {self.folder}/redis.crt, key: {self.folder}/redis.key"
        proxy = self.proxy(self.config(f'url: "rediss://127.0.0.1:{port}/0", tls: {{{tls}{mine}}}'))
        self.serves(proxy)

    def test_a_server_without_tls_is_told_apart(self):
        redis = self.redis()
        proxy = self.proxy(self.config(f'url: "rediss://127.0.0.1:{redis.port}/0"'))
        proxy.said("no TLS.*does it speak TLS")
        self.assertEqual(proxy.post("/setName", name="x").status, 503)


class Replicas(TestCase):
    def test_a_write_counts_once_a_replica_has_it(self):
        redis, replica = self.redis(), self.redis()
        replica.ask("REPLICAOF", "127.0.0.1", redis.port)
        until("the replica follows", lambda: b"master_link_status:up" in replica.ask("INFO", "replication"))
        proxy = self.proxy(self.config(f'url: "{redis.url}", replicas: 1', timeout="500ms"))
        cookie = self.serves(proxy)
        self.assertIn(self.key(cookie), replica.keys())
        replica.kill()
        answer = proxy.post("/setName", cookie, name="Bob")
        self.assertEqual((answer.status, answer.headers["Set-Cookie"]), (503, None))
        proxy.said("as many replicas")


class Sentinels(TestCase):
    """Three servers, three Sentinels."""

    def sentinel(self, master, password=None, host="127.0.0.1"):
        folder = self.folder / f"sentinel-{support.free_port()}"
        folder.mkdir()
        port = support.free_port()
        file = folder / "sentinel.conf"
        file.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel resolve-hostnames yes\n"
                        f"sentinel announce-hostnames yes\nsentinel monitor mymaster {host} {master} 2\n"
                        "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n"
                        + (f"requirepass {password}\nsentinel sentinel-pass {password}\n" if password else ""))
        child = subprocess.Popen(["redis-server", str(file), "--sentinel"], stdout=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        child.port = port
        return child

    def ask_sentinel(self, sentinel, *words, password=None):
        with contextlib.suppress(OSError, RuntimeError):
            with contextlib.closing(Client(sentinel.port)) as client:
                if password:
                    client.ask("AUTH", password)
                return client.ask(*words)

    def world(self, password=None, host="127.0.0.1"):
        servers = [self.redis("--replica-announce-ip", host) for _ in range(3)]
        for server in servers[1:]:
            server.ask("REPLICAOF", host, servers[0].port)
        sentinels = [self.sentinel(servers[0].port, password, host) for _ in range(3)]
        for sentinel in sentinels:
            until("the Sentinels know all", lambda s=sentinel: (
                (r := self.ask_sentinel(s, "SENTINEL", "MASTER", "mymaster", password=password)) and
                (m := dict(zip(r[::2], r[1::2]))) and m[b"num-slaves"] == b"2" and m[b"num-other-sentinels"] == b"2"))
        names = ", ".join(f'"127.0.0.1:{sentinel.port}"' for sentinel in sentinels)
        return servers, sentinels, names

    def test_the_master_is_found_and_found_again_when_it_dies(self):
        servers, sentinels, names = self.world()
        dead = support.free_port()
        proxy = self.proxy(self.config(f'sentinel: {{servers: ["127.0.0.1:{dead}", {names}], master: mymaster}}',
                                       timeout="500ms", workers=2))
        cookie = self.serves(proxy)
        self.assertIn(str(servers[0].port), self.used(proxy))
        self.assertIn("Sentinel", self.used(proxy))
        until("the replicas have it all", lambda: servers[0].ask("WAIT", 2, 1000) == 2)
        servers[0].child.send_signal(signal.SIGSTOP)  # as if the machine were gone: no FIN, no answer
        self.addCleanup(servers[0].child.send_signal, signal.SIGCONT)
        master = until("another is master", lambda: (
            (r := self.ask_sentinel(sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")) and
            int(r[1]) != servers[0].port and int(r[1])))
        began = time.monotonic()
        until("a set works", lambda: self.kept(proxy.post("/setName", cookie, name="Bob")).status == 303)
        until("both workers have found it", lambda: {proxy.name(cookie) for _ in range(8)} == {"Bob"})
        self.assertLess(time.monotonic() - began, 2 + 1)  # one more for a busy machine
        self.assertIn(str(master), self.used(proxy))

    def kept(self, answer):
        self.assertIsNone(answer.headers["Set-Cookie"])
        return answer

    def test_a_failover_under_load_logs_nobody_out(self):
        """Two Keepsakes, 200 visitors that write, and a failover that a Sentinel begins."""
        servers, sentinels, names = self.world()
        text = self.config(f"sentinel: {{servers: [{names}], master: mymaster}}")
        proxies = [self.proxy(text), self.proxy(text, "second.yaml")]
        for proxy in proxies:
            self.serves(proxy)
        cookies = {f"v{i}": proxies[i % 2].new(f"v{i}") for i in range(200)}
        wrong, acknowledged, done = [], {}, threading.Event()

        def visit(mine):
            while not done.is_set():
                for name in mine:
                    answer = proxies[random.randrange(2)].post("/setColor", cookies[name], color="red")
                    if answer.status == 303:
                        acknowledged[name] = time.monotonic()
                    if answer.status not in (303, 503) or answer.headers["Set-Cookie"]:
                        wrong.append((answer.status, answer.headers["Set-Cookie"]))
        threads = [threading.Thread(target=visit, args=(list(cookies)[i::8],)) for i in range(8)]
        for thread in threads:
            thread.start()
        until("there is load", lambda: len(acknowledged) == len(cookies))
        self.ask_sentinel(sentinels[0], "SENTINEL", "FAILOVER", "mymaster")
        until("another is master", lambda: (
            (r := self.ask_sentinel(sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")) and
            int(r[1]) != servers[0].port))
        there, before = time.monotonic(), dict(acknowledged)
        first = until("one writes to the new one", lambda: [
            at for name, at in list(acknowledged.items()) if at > there and at != before[name]])
        self.assertLess(min(first) - there, 2)
        acknowledged.clear()
        until("all write to the new one", lambda: len(acknowledged) == len(cookies))
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        for i, (name, cookie) in enumerate(cookies.items()):
            self.assertEqual(proxies[i % 2].seen(cookie), {"X-Session-Name": name, "X-Session-Color": "red"})

    def test_a_name_that_they_announce_is_looked_up(self):
        servers, sentinels, names = self.world(host="localhost")
        proxy = self.proxy(self.config(f"sentinel: {{servers: [{names}], master: mymaster}}", workers=2, timeout="1s"))
        cookie = self.serves(proxy)
        self.assertIn(f"redis://localhost:{servers[0].port}", self.used(proxy))
        until("the replicas have it all", lambda: servers[0].ask("WAIT", 2, 1000) == 2)
        servers[0].kill()
        until("a set works", lambda: self.kept(proxy.post("/setName", cookie, name="Bob")).status == 303)
        until("the other worker has found it, too", lambda: proxy.name(cookie) == "Bob")

    def test_sentinels_may_want_a_password(self):
        _, _, names = self.world(PASSWORD)
        (self.folder / "password").write_text(PASSWORD)
        proxy = self.proxy(self.config(
            f"sentinel: {{servers: [{names}], master: mymaster, password: {{file: {self.folder}/password}}}}"))
        self.serves(proxy)
        proxy.reload(self.config(f"sentinel: {{servers: [{names}], master: mymaster}}"), "taken|reload")
        proxy.said("NOAUTH")
        proxy.reload(self.config(f"sentinel: {{servers: [{names}], master: other, "
                                 f"password: {{file: {self.folder}/password}}}}"), "taken|reload")
        proxy.said("knows no master of the name other")
        self.assertNotIn(PASSWORD, proxy.text)


def free_cluster_port():
    """A port that is free together with the one of the cluster's bus, 10 000 above it."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)), \
                socket.create_server(("127.0.0.1", port + 10000)):
            return port


class Cluster(TestCase):
    """Six servers: three masters with a replica each."""

    def world(self, *options):
        servers = [self.redis("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *options,
                              port=free_cluster_port()) for _ in range(6)]
        places = [f"127.0.0.1:{server.port}" for server in servers]
        subprocess.run(["redis-cli", "--cluster", "create", *places, "--cluster-replicas", "1", "--cluster-yes"],
                       check=True, capture_output=True)
        for server in servers:
            until("the cluster is up", lambda s=server: b"cluster_state:ok" in s.ask("CLUSTER", "INFO"))
        return servers, ", ".join(f'"{place}"' for place in places[:2])

    def holder(self, servers, key):
        """The master that holds this key."""
        for server in servers:
            with contextlib.suppress(RuntimeError, OSError):
                if b"role:master" in server.ask("INFO", "replication") and server.ask("EXISTS", key):
                    return server
        raise AssertionError("no server holds it")

    def test_sessions_are_spread_and_known_by_two_keepsakes(self):
        servers, seeds = self.world()
        text = self.config(f"cluster: {{servers: [{seeds}]}}", workers=2, more="  privileged: [user]")
        first, second = self.proxy(text), self.proxy(text, "second.yaml")
        self.serves(first)
        cookies = {f"v{i}": first.new(f"v{i}") for i in range(30)}
        for name, cookie in cookies.items():
            self.assertEqual(second.name(cookie), name)
            own = first.get(cookie, "/write?user=ada").cookie()
            self.assertEqual(second.name(own), name)
            self.assertEqual(second.post("/reset", own).status, 303)
            self.assertIsNone(first.name(cookie))
        self.assertEqual([len([k for k in server.keys() if k.startswith("keepsake:")]) for server in servers
                          if b"role:master" in server.ask("INFO", "replication")].count(0) >= 2, True)
        self.assertIn("cluster", self.used(first))
        self.assertNotIn("CROSSSLOT", first.text)
        one = self.redis()
        first.reload(self.config(f'url: "{one.url}"', workers=2), "taken|reload")
        self.serves(first)
        first.reload(text, "taken|reload")
        self.assertEqual(second.name(self.serves(first)), "Alice")
        for server in servers:
            server.child.send_signal(signal.SIGSTOP)
        first.get(cookie)
        for proxy in (first, second):
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.ends(5), 0)

    def test_slots_may_move_under_load(self):
        servers, seeds = self.world()
        proxy = self.proxy(self.config(f"cluster: {{servers: [{seeds}]}}", workers=2))
        self.serves(proxy)
        cookies = {f"v{i}": proxy.new(f"v{i}") for i in range(40)}
        wrong, done = [], threading.Event()

        def visit(names):
            while not done.is_set():
                for name in names:
                    answer = proxy.post("/setColor", cookies[name], color="red")
                    if answer.status != 303 or answer.headers["Set-Cookie"]:
                        wrong.append((answer.status, answer.headers["Set-Cookie"]))
        threads = [threading.Thread(target=visit, args=(list(cookies)[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        ids = {server.port: server.ask("CLUSTER", "MYID").decode() for server in servers}
        masters = [server for server in servers if b"role:master" in server.ask("INFO", "replication")]
        subprocess.run(["redis-cli", "--cluster", "reshard", f"127.0.0.1:{masters[0].port}", "--cluster-from",
                        ids[masters[0].port], "--cluster-to", ids[masters[1].port], "--cluster-slots", "2000",
                        "--cluster-yes"], check=True, capture_output=True)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        for name, cookie in cookies.items():
            self.assertEqual(proxy.seen(cookie), {"X-Session-Name": name, "X-Session-Color": "red"})

    def test_a_replica_takes_the_place_of_its_master(self):
        # By name: so do clusters in a cloud.
        servers, seeds = self.world("--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname")
        proxy = self.proxy(self.config(f"cluster: {{servers: [{seeds}]}}", timeout="500ms"))
        cookie = self.serves(proxy)
        master = self.holder(servers, self.key(cookie))
        until("its replica has it", lambda: master.ask("WAIT", 1, 1000) >= 1)
        master.kill()
        answer = until("a set works", lambda: (a := proxy.post("/setName", cookie, name="Bob")).status == 303 and a)
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertEqual(proxy.name(cookie), "Bob")


class Trouble(TestCase):
    def test_a_full_redis_that_drops_sessions_leaves_the_others(self):
        redis = self.redis("--maxmemory-policy", "volatile-lru")
        proxy = self.proxy(self.config(f'url: "{redis.url}"'))
        self.serves(proxy)
        used = int(re.search(rb"used_memory:(\d+)", redis.ask("INFO", "memory"))[1])
        redis.ask("CONFIG", "SET", "maxmemory", used + 500_000)
        with contextlib.closing(redis.client()) as client:  # other sessions, until some are dropped
            for i in range(20_000):
                client.send("HSET", f"keepsake:{i:064x}", "created", 1, "touched", 1, "v:x", "y" * 100)
                client.send("EXPIRE", f"keepsake:{i:064x}", 1000)
                client.reply(), client.reply()
        self.assertGreater(int(re.search(rb"evicted_keys:(\d+)", redis.ask("INFO", "stats"))[1]), 0)
        cookie = proxy.new("Bob")
        self.assertEqual(proxy.name(cookie), "Bob")
        redis.ask("DEL", self.key(cookie))
        self.assertIsNone(proxy.name(cookie))  # it is gone, as a session that ended
        self.assertEqual(proxy.post("/setName", cookie, name="Bob").status, 303)

    def test_a_user_may_do_what_the_documents_list_and_nothing_else(self):
        redis = self.redis()
        listed = re.search(r"A user needs `([^`]+)`", (support.ROOT / "deploy/OPERATING.md").read_text())[1]
        redis.ask("ACL", "SETUSER", "app", "on", ">secret-word", "~keepsake:*", *listed.split())
        url = redis.url.replace("redis://", "redis://app:secret-word@")
        proxy = self.proxy(self.config(f'url: "{url}"', more="  privileged: [user]"))
        cookie = self.serves(proxy)
        own = proxy.get(cookie, "/write?user=ada").cookie()
        self.assertEqual(proxy.name(own), "Alice")
        self.assertEqual(proxy.post("/reset", own).status, 303)
        self.assertIsNone(proxy.name(own))
        self.assertNotIn("NOPERM", proxy.text)

    def test_each_cause_is_counted(self):
        redis = self.redis("--maxmemory-policy", "noeviction")
        proxy = self.proxy(self.config(f'url: "{redis.url}"'))
        self.serves(proxy)
        redis.ask("CONFIG", "SET", "maxmemory", 1)
        self.assertEqual(proxy.post("/setName", name="x").status, 503)
        metrics = support.request(proxy.admin, "/metrics").body
        self.assertRegex(metrics, r'keepsake_store_trouble_total\{cause="full"\} [1-9]')
        self.assertRegex(metrics, r'keepsake_store_trouble_total\{cause="read_only"\} 0')

    def test_readyz_says_which_server_is_used(self):
        redis = self.redis()
        proxy = self.proxy(self.config(f'url: "{redis.url.replace("//", "//:secret-word@")}"'))
        proxy.said("check user and password")
        proxy.kill()
        proxy = self.proxy(self.config(f'url: "{redis.url}"'))
        self.serves(proxy)
        self.assertEqual(self.used(proxy), f"redis://127.0.0.1:{redis.port}, which session.redis.url names")


if __name__ == "__main__":
    redis_world.main("redis_production_test")
