"""What may stand in a push? Nothing that runs, reads the host, hides from us or never ends.

Attack: its refs, trees, names, attributes and links are made for that. Each is refused in one line, or harmless.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.town import Two, two_tenants
from tests.journeys.installation import Installation
from tests.journeys.repository import Repository, small_app

TRACE = Path("/tmp/paas-owned")


@pytest.fixture
def two(shared: Installation) -> Two:
    return two_tenants(shared)


@pytest.fixture
def repository(two: Two) -> Iterator[Repository]:
    """A work tree of Bea's app with a commit of its own, which serves afterwards as it did before."""
    made = two.on.repository("beta", "owner-beta")
    made.commit(small_app("hostile"))
    yield made
    assert two.on.get("beta") == (200, "beta")
    assert not TRACE.exists()


class Objects:
    """Git objects written as bytes: what git's own commands would not make."""

    def __init__(self, repository: Repository) -> None:
        self._folder = repository.folder / ".git" / "objects"

    def write(self, kind: str, body: bytes) -> bytes:
        raw = f"{kind} {len(body)}\0".encode() + body
        name = hashlib.sha1(raw).hexdigest()
        path = self._folder / name[:2] / name[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(raw, 1))
        return bytes.fromhex(name)

    def tree(self, *entries: tuple[str, bytes, bytes]) -> bytes:
        return self.write("tree", b"".join(mode.encode() + b" " + name + b"\0" + it for mode, name, it in entries))

    def commit(self, tree: bytes) -> str:
        person = "Bea <bea@example.com> 1700000000 +0000"
        return self.write("commit", f"tree {tree.hex()}\nauthor {person}\ncommitter {person}\n\nx\n".encode()).hex()


def push_commit(repository: Repository, commit: str) -> str:
    """Push it to main; what the pusher reads, in little time."""
    started = time.monotonic()
    pushed = repository.push("-f", "paas", f"{commit}:refs/heads/main", timeout=60)
    assert pushed.returncode != 0
    assert time.monotonic() - started < 40
    return pushed.stderr


# --- Trees ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("leaf", ["nothing", "a file"])
def test_a_few_trees_that_stand_for_billions(repository: Repository, leaf: str) -> None:
    """Of empty folders `git ls-tree -r` lists none, and walks through all of them."""
    objects = Objects(repository)
    inside = objects.tree() if leaf == "nothing" else objects.tree(("100644", b"f", objects.write("blob", b"x")))
    for _ in range(10):
        inside = objects.tree(*(("40000", f"{number:02}".encode(), inside) for number in range(32)))
    assert "too-many-files" in push_commit(repository, objects.commit(inside))


def test_folders_in_folders_without_end(repository: Repository) -> None:
    objects = Objects(repository)
    inside = objects.tree(("100644", b"f", objects.write("blob", b"x")))
    for _ in range(5_000):
        inside = objects.tree(("40000", b"d", inside))
    said = push_commit(repository, objects.commit(inside))
    assert "[bug]" not in said and "Traceback" not in said


def test_a_hundred_thousand_files_are_looked_at_in_a_moment(repository: Repository) -> None:
    objects = Objects(repository)
    blob = objects.write("blob", b"x")
    tree = objects.tree(*(("100644", f"{number:06}".encode(), blob) for number in range(200_001)))
    assert "too-many-files" in push_commit(repository, objects.commit(tree))


def test_a_file_that_unpacks_to_more_than_may_be(repository: Repository) -> None:
    """300 MB of zeros are 300 KB in a pack."""
    objects = Objects(repository)
    tree = objects.tree(("100644", b"zeros", objects.write("blob", bytes(300_000_000))))
    assert "too-large" in push_commit(repository, objects.commit(tree))


@pytest.mark.parametrize("name", ["Procfile", "app.json", "Dockerfile", ".dockerignore"])
def test_a_link_to_a_file_of_the_host(repository: Repository, name: str) -> None:
    (repository.folder / name).unlink(missing_ok=True)
    (repository.folder / name).symlink_to("/etc/shadow")
    commit = repository.commit({})
    said = push_commit(repository, commit)
    assert "symlink" in said and "root:" not in said


def test_links_elsewhere_are_followed_inside_the_build_only(two: Two, repository: Repository) -> None:
    secret = two.on.folder / f"secret-of-the-host-{secrets.token_hex(4)}"
    secret.write_text("read me not")
    (repository.folder / "leak").symlink_to(secret)
    (repository.folder / "up").symlink_to("../" * 12 + "etc/hostname")
    files = small_app("hostile")
    files["Dockerfile"] += "RUN cat leak; cat up; ls -l leak && false\n"
    repository.commit(files)
    pushed = repository.push("-f", "paas", "main")
    assert pushed.returncode != 0
    assert "read me not" not in pushed.stderr and "No such file" in pushed.stderr


@pytest.mark.parametrize(
    ("mode", "name"), [("100644", b".git"), ("100644", b".."), ("40000", b".GIT"), ("100644", b"a/b"), ("100644", b"")]
)
def test_names_that_leave_the_tree(repository: Repository, mode: str, name: bytes) -> None:
    objects = Objects(repository)
    blob = objects.write("blob", b"x")
    child = blob if mode == "100644" else objects.tree(("100644", b"config", blob))
    push_commit(repository, objects.commit(objects.tree((mode, name, child))))


def test_a_submodule_whose_address_is_a_command(repository: Repository) -> None:
    objects = Objects(repository)
    modules = f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% {TRACE}\n'.encode()
    entries = ("100644", b".gitmodules", objects.write("blob", modules)), ("160000", b"x", b"\x01" * 20)
    push_commit(repository, objects.commit(objects.tree(*entries)))


def test_attributes_hide_nothing_and_run_nothing(two: Two, repository: Repository) -> None:
    files = small_app("hostile")
    files[".gitattributes"] = "* filter=own diff=own export-ignore\nwhen export-subst\n"
    files["when"] = "$Format:%H$"
    files["hooks/pre-receive"] = f"#!/bin/sh\ntouch {TRACE}\n"
    files[".git-config"] = f'[filter "own"]\n\tsmudge = touch {TRACE}\n'
    files["Dockerfile"] += "RUN cat when hooks/pre-receive && false\n"
    repository.commit(files)
    pushed = repository.push("-f", "paas", "main")
    assert "$Format:%H$" in pushed.stderr and "#!/bin/sh" in pushed.stderr


def test_names_that_are_no_text_are_files_like_others(repository: Repository) -> None:
    objects = Objects(repository)
    dockerfile = small_app("hostile")["Dockerfile"] + "RUN ls | od -c && echo seen-it && false\n"
    entries = ("100644", b"Dockerfile", objects.write("blob", dockerfile.encode())), (
        "100644", b"\xff\xfe\x1b[2J", objects.write("blob", b"x"),
    )  # fmt: skip
    said = push_commit(repository, objects.commit(objects.tree(*entries)))
    assert "seen-it" in said and "\x1b[2J" not in said


# --- Refs -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "ref",
    ["refs/heads/$(touch${IFS}/tmp/paas-owned)", "refs/heads/`touch${IFS}/tmp/paas-owned`",
     "refs/heads/--upload-pack=x", "refs/heads/;id", "refs/notes/commits", "refs/replace/" + "1" * 40,
     "refs/meta/config", "refs/for/main", "refs/heads/" + "x" * 190],
)  # fmt: skip
def test_odd_refs_are_refused_and_run_nothing(repository: Repository, ref: str) -> None:
    pushed = repository.push("paas", f"HEAD:{ref}")
    assert pushed.returncode != 0 and "remote rejected" in pushed.stderr
    assert repository.git("ls-remote", "paas", ref).stdout == ""


def raw_push(two: Two, repository: Repository, *lines: bytes) -> str:
    """Speak the protocol by hand: an old and a new object and a ref in each line; the answer as it comes."""
    pack = subprocess.run(
        ["git", "pack-objects", "--stdout", "--revs", "-q"], cwd=repository.folder, input=b"HEAD\n",
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    lines = (lines[0] + b"\0 report-status agent=x", *lines[1:])
    packets = b"".join(b"%04x%s" % (len(line) + 4, line) for line in lines) + b"0000"
    command = ["ssh", *two.on.ssh_options("owner-beta"), "paas@127.0.0.1", "git-receive-pack 'beta'"]
    done = subprocess.run(command, input=packets + pack, capture_output=True, timeout=60, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize(
    "ref",
    [b"refs/tags/\xff\xfe", b"refs/heads/\xff", b"refs/heads/../../config", b"HEAD", b"config", b"refs/heads/a b",
     b"refs/heads/main.lock", b"../../../tmp/paas-owned", b"refs/heads/main\nrefs/heads/x", b"refs/tags/" + b"t" * 600],
)  # fmt: skip
def test_a_ref_that_no_client_would_send(two: Two, repository: Repository, ref: bytes) -> None:
    head = repository.head.encode()
    said = raw_push(two, repository, b"0" * 40 + b" " + head + b" " + ref)
    assert "ng " in said or "rejected" in said or "fatal" in said or "error" in said
    assert "Traceback" not in said and "[bug]" not in said


@pytest.mark.parametrize("tag", [b"refs/tags/\xff\xfe", b"refs/tags/" + b"t" * 600])
def test_an_odd_tag_beside_a_deploy_refuses_only_itself(two: Two, repository: Repository, tag: bytes) -> None:
    head = repository.commit(two.bea.files()).encode()
    old = repository.remote_branch().encode()
    said = raw_push(two, repository, old + b" " + head + b" refs/heads/main", b"0" * 40 + b" " + head + b" " + tag)
    assert "ok refs/heads/main" in said and "ng refs/tags/" in said, said
    assert repository.remote_branch() == head.decode()


def test_a_pack_that_is_a_bomb_or_broken(two: Two, repository: Repository) -> None:
    head = repository.head.encode()
    for pack in (b"PACK" + struct.pack(">II", 2, 2**32 - 1), b"PACK" + secrets.token_bytes(5000), b""):
        line = b"0" * 40 + b" " + head + b" refs/heads/main\0 report-status"
        command = ["ssh", *two.on.ssh_options("owner-beta"), "paas@127.0.0.1", "git-receive-pack 'beta'"]
        sent = b"%04x%s0000" % (len(line) + 4, line) + pack
        done = subprocess.run(command, input=sent, capture_output=True, timeout=30, check=False)
        assert b"unpack ok" not in done.stdout
