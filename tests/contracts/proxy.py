"""What every `Proxy` promises."""

from __future__ import annotations

from dataclasses import replace

from paas.ports import Proxy, Site, Sites

BLOG = Site("blog0000", "blog", ("blog.localhost",), ("127.0.0.1:1",), "live", 1_000_000)
SHOP = Site("shop0000", "shop", ("shop.localhost", "*.shop.test"), (), "stopped", 1_000_000)


class ProxyContract:
    """Inherit and give the fixtures `proxy` (started, no sites) and `broken_site` (one that the product refuses)."""

    def test_starting_twice_adopts_the_same_master(self, proxy: Proxy) -> None:
        assert proxy.start() == proxy.running() == proxy.start()

    def test_each_other_whole_gets_a_higher_number(self, proxy: Proxy) -> None:
        numbers = [proxy.apply(Sites(sites)).number for sites in ((), (BLOG,), (BLOG, SHOP), (SHOP,))]
        assert numbers == sorted(set(numbers))

    def test_the_same_whole_again_changes_nothing(self, proxy: Proxy) -> None:
        first = proxy.apply(Sites((BLOG, SHOP)))
        assert proxy.apply(Sites((BLOG, SHOP))) == first

    def test_another_backend_is_another_whole(self, proxy: Proxy) -> None:
        first = proxy.apply(Sites((BLOG,)))
        assert proxy.apply(Sites((replace(BLOG, backends=("127.0.0.1:2",)),))).number > first.number

    def test_a_broken_site_is_quarantined_and_named(self, proxy: Proxy, broken_site: Site) -> None:
        applied = proxy.apply(Sites((BLOG, broken_site, SHOP)))
        assert set(applied.quarantined) == {broken_site.app_id}
        assert all(applied.quarantined.values())

    def test_a_quarantine_ends_with_its_cause(self, proxy: Proxy, broken_site: Site) -> None:
        proxy.apply(Sites((BLOG, broken_site)))
        assert proxy.apply(Sites((BLOG,))).quarantined == {}

    def test_nobody_is_connected_to_an_address_that_nobody_has(self, proxy: Proxy) -> None:
        assert proxy.connections_to("10.208.255.254") == 0

    def test_the_oldest_worker_has_an_aware_moment(self, proxy: Proxy) -> None:
        moment = proxy.oldest_worker()
        assert moment is None or moment.tzinfo is not None

    def test_a_stopped_proxy_does_not_run(self, proxy: Proxy) -> None:
        proxy.stop()
        assert proxy.running() is None
        assert proxy.start() == proxy.running()
