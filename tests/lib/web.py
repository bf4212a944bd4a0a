# SPDX-License-Identifier: BSD-2-Clause
"""web - HTTP and TLS servers of the test, and certificates of its own authority."""

import datetime
import http.server
import os
import socket
import ssl
import threading
import time

from lib.netns import command


class Authority:
    """A certificate authority in a folder; `trust` is what its clients trust."""

    def __init__(self, folder, name="test authority"):
        self.folder = folder
        self.trust = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        self.count = 0
        os.makedirs(folder, exist_ok=True)
        command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.trust)
        with open(os.path.join(folder, "index"), "w"):
            pass
        with open(os.path.join(folder, "ca.cnf"), "w") as file:
            file.write(
                f"[ca]\ndefault_ca=one\n[one]\ndatabase={folder}/index\nnew_certs_dir={folder}\n"
                f"certificate={self.trust}\nprivate_key={self.key}\ndefault_md=sha256\n"
                "policy=any\nunique_subject=no\nrand_serial=yes\ncopy_extensions=copy\n"
                "[any]\ncommonName=supplied\n"
            )

    def certificate(self, names, lasts_s=86400):
        """A file of key and certificate for these names, valid from yesterday and for so long."""
        self.count += 1
        path = os.path.join(self.folder, f"{self.count}")
        kinds = [f"{'IP' if name[-1].isdigit() or ':' in name else 'DNS'}:{name}" for name in names]
        command("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={','.join(kinds)}",
                "-keyout", path + ".key", "-out", path + ".csr")
        now = datetime.datetime.now(datetime.timezone.utc)
        times = [now - datetime.timedelta(days=1), now + datetime.timedelta(seconds=lasts_s)]
        first, last = [time.strftime("%Y%m%d%H%M%SZ") for time in times]
        command("openssl", "ca", "-batch", "-notext", "-config", f"{self.folder}/ca.cnf",
                "-startdate", first, "-enddate", last, "-in", path + ".csr", "-out", path + ".crt")
        with open(path + ".pem", "w") as out:
            for part in (".key", ".crt"):
                with open(path + part) as file:
                    out.write(file.read())
        return path + ".pem"


class Site:
    """An HTTP server (HTTPS with a certificate) in a namespace. What it does can be changed."""

    def __init__(self, space, address, port=80, certificate=None):
        self.space, self.address, self.port = space, address, port
        self.context = None
        if certificate:
            self.use(certificate)
        self.status, self.body, self.delay_s = 200, b"ok\n", 0.0
        self.seen = []  # (Host, path) of the requests, the newest last
        self.server = None
        self.open()

    def open(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.seen.append((self.headers["Host"], self.path))
                del site.seen[:-100]
                time.sleep(site.delay_s)
                self.send_response(site.status)
                self.send_header("Content-Length", str(len(site.body)))
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in site.address else socket.AF_INET
            request_queue_size = 1024
            daemon_threads = True

            def get_request(self):
                stream, peer = super().get_request()
                if site.context:
                    # The handshake is the handler's thread's: a silent client holds nobody up.
                    stream = site.context.wrap_socket(stream, server_side=True,
                                                      do_handshake_on_connect=False)
                return stream, peer

            def handle_error(self, *_):
                pass  # who checks goes away without a word

        with self.space.entered():
            self.server = Server((self.address, self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def use(self, certificate):
        """New connections get this certificate."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
