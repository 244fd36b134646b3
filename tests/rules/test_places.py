import pytest

from paas.rules.places import Found, Place, difference, wanted_places

KEY = Place("keys/config.key", "root", "paas", 0o640, "file")
SOCKET = Place("run/hook.sock", "paas-ssh", "paas-ssh", 0o600, "file", optional=True)


@pytest.mark.parametrize(
    ("place", "found", "words"),
    [
        (KEY, Found("root", "paas", 0o640), ""),
        (KEY, None, "keys/config.key is missing"),
        (KEY, Found("paas-web", "paas", 0o640), "belongs to paas-web, not to root"),
        (KEY, Found("root", "users", 0o640), "belongs to the group users, not to paas"),
        (KEY, Found("root", "paas", 0o644), "has mode 0644, not 0640"),
        (SOCKET, None, ""),
        (SOCKET, Found("paas-ssh", "paas", 0o600), ""),
        (SOCKET, Found("paas-ssh", "paas-ssh", 0o666), "has mode 0666, not 0600"),
    ],
)
def test_a_place_is_compared_in_words(place, found, words):
    line = difference(place, found)
    assert line.endswith(words) and bool(line) == bool(words)


def test_nobody_but_root_makes_files_in_the_database_folder():
    (database,) = (place for place in wanted_places(("w", "w"), ("s", "s"), "g") if place.path == "database")
    assert (database.owner, database.mode) == ("root", 0o2750)


def test_parents_come_first():
    seen = set()
    for place in wanted_places(("w", "w"), ("s", "s"), "g"):
        assert place.path.rpartition("/")[0] in seen | {""}
        seen.add(place.path)
