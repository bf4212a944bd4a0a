# SPDX-License-Identifier: BSD-2-Clause
"""nginx - a real HTTP server, one process an address, that can be killed by itself."""

import os
import signal

from lib.process import Process, copy_binary, until

CONF = """\
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    server {{
        listen {listen};
        {how}
        location / {{ return {status} "ok"; }}
    }}
}}
"""


class Nginx:
    """Answers every path with one status. With a certificate (a file of both) it speaks TLS."""

    def __init__(self, space, folder, address, port=80, certificate=None, connections=64):
        self.space, self.address, self.port = space, address, port
        self.folder = os.path.join(folder, f"nginx-{address}-{port}")
        self.certificate, self.status, self.connections = certificate, 200, connections
        os.mkdir(self.folder)
        self.conf = os.path.join(self.folder, "nginx.conf")
        self.write()
        self.process = Process(
            space, [copy_binary("/usr/sbin/nginx", folder), "-p", self.folder, "-c", self.conf],
            os.path.join(self.folder, "log"))

    def write(self):
        listen = f"[{self.address}]" if ":" in self.address else self.address
        how = ""
        if self.certificate:
            how = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.certificate};"
        with open(self.conf, "w") as file:
            file.write(CONF.format(folder=self.folder, status=self.status, how=how,
                                   connections=self.connections, listen=
                                   f"{listen}:{self.port}{' ssl' if self.certificate else ''}"))

    def start(self):
        self.process.start()
        return self

    def kill(self):
        self.process.kill()

    def freeze(self):
        """Its port takes connections, and nobody answers."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def again(self, **changes):
        """Another status or certificate, from now on."""
        for key, value in changes.items():
            setattr(self, key, value)
        self.write()
        self.kill()
        self.start()
        until(self.process.is_running, "nginx")
