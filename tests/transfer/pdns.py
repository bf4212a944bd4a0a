# SPDX-License-Identifier: BSD-2-Clause
"""pdns - what a PowerDNS on SQLite has in common, whichever end of a transfer it is."""

import os
import subprocess

from bench import KEY_NAME, KEY_SECRET
from lib.cases import Skip

SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

CONF = """\
launch=gsqlite3
gsqlite3-database={db}
local-address={address}
local-port={port}
xfr-cycle-interval=1
allow-axfr-ips=127.0.0.0/8
socket-dir={folder}
module-dir=/usr/lib/{machine}-linux-gnu/pdns
cache-ttl=0
negquery-cache-ttl=0
query-cache-ttl=0
zone-cache-refresh-interval=0
webserver=no
daemon=no
guardian=no
loglevel=5
"""


class OnSqlite:
    """Beside a Server with `signed`; the database outlives a stop."""

    kind = "pdns"

    def configure_as(self, address, more):
        return self.write("pdns.conf", more + CONF.format(
            db=self.path("db"), address=address, port=self.port, folder=self.folder,
            machine=os.uname().machine))

    def util(self, *words):
        subprocess.run(["pdnsutil", "--config-dir", self.folder, *words], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def is_new(self):
        """Makes the database where there is none yet."""
        if not os.path.exists("/usr/bin/pdnsutil") or not os.path.exists(SCHEMA):
            raise Skip("no pdnsutil with sqlite3")
        if os.path.exists(self.path("db")):
            return False
        with open(SCHEMA) as schema:
            subprocess.run(["sqlite3", self.path("db")], stdin=schema, check=True)
        if self.signed:
            self.util("import-tsig-key", KEY_NAME, "hmac-sha256", KEY_SECRET)
        return True
