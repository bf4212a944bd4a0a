# SPDX-License-Identifier: BSD-2-Clause
"""in_catalogs - several catalogs, and zones that more than one of them names."""

from bench import Zone
from in_daemon import catalog_of
from in_peers import Host, Knotd
from lib.cases import case, equal
from lib.process import until


def members(host, catalog, names):
    """Waits until the host was told that these are the catalog's."""
    host.await_event("members", catalog=catalog.apex, members=sorted(names))


@case("a member moves from one catalog to another only by the first one's leave, or when it lets go")
def ownership(bench):
    zones = [Zone(f"{name}.test.") for name in ("a", "b", "c")]
    first = catalog_of({"x": "a.test.", "y": "b.test."}, "first.test.")
    second = catalog_of({"x": "b.test.", "z": "c.test."}, "second.test.")
    host = Host(bench, {}, catalogs=[first.apex, second.apex])
    primary = Knotd(bench, [first, second] + zones, tell=host.port).begin()
    host.zones = {first.apex: [primary.port]}
    host.start()
    members(host, first, ["a.test.", "b.test."])
    host.quit()

    host.zones = {first.apex: [primary.port], second.apex: [primary.port]}
    host.start()
    members(host, second, ["c.test."])

    # By leave: "coo" names the second.
    first.change(add=[(f"coo.y.zones.{first.apex}", 0, "PTR", second.apex)])
    primary.publish()
    members(host, second, ["b.test.", "c.test."])
    # The first lets go of another, which the second names already.
    second.change(add=[(f"w.zones.{second.apex}", 0, "PTR", "a.test.")])
    primary.publish()
    host.installed(second)
    first.change(remove=[(f"x.zones.{first.apex}", 0, "PTR", "a.test.")])
    primary.publish()
    members(host, second, ["a.test.", "b.test.", "c.test."])
    equal(host.status(zones[1])["member"], True)
    equal(host.quit(), 0, "exit status")


@case("a zone of the configuration's own is no catalog's, and a catalog is no member")
def own_zones(bench):
    own, other = Zone("own.test."), Zone("other.test.")
    catalog = catalog_of({"x": own.apex, "y": other.apex, "z": "catalog.test."})
    primary = Knotd(bench, [catalog, own, other]).begin()
    host = Host(bench, {own.apex: [primary.port], catalog.apex: [primary.port]}, catalogs=[catalog.apex]).start()
    members(host, catalog, [other.apex])
    until(lambda: host.dump(other), "the member's data")
    equal("member" in host.status(own), False)
    equal(host.status(catalog)["members"], 3)


@case("a catalog of another version is refused, and one without members takes them all away")
def versions(bench):
    zone = Zone("a.test.")
    catalog = catalog_of({"x": zone.apex})
    host = Host(bench, {}, catalogs=[catalog.apex])
    primary = Knotd(bench, [catalog, zone], tell=host.port).begin()
    host.zones = {catalog.apex: [primary.port]}
    host.start()
    members(host, catalog, [zone.apex])
    version = (f"version.{catalog.apex}", 0, "TXT")
    catalog.change(add=[version + ('"3"',)], remove=[version + ('"2"',), (f"x.zones.{catalog.apex}", 0, "PTR", zone.apex)])
    primary.publish()
    host.until_error(catalog, "another version")
    equal(host.status(catalog)["serial"], 1)
    equal(host.status(zone)["member"], True)
    catalog.change(add=[version + ('"2"',)], remove=[version + ('"3"',)])
    primary.publish()
    members(host, catalog, [])
    until(lambda: host.status(zone) == {}, "the member to go")
