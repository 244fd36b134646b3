"""users:*, ssh-keys:*, access:* and tokens:* as people type them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from paas.commands.callers import caller_by_key, caller_by_token, local_root
from paas.errors import UnauthenticatedError
from tests.commands.world import World


def _key(folder: Path, kind: str = "ed25519", *more: str) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "me@laptop", "-f", folder / kind], check=True
    )
    return (folder / f"{kind}.pub").read_text()


def test_a_key_signs_in_as_its_user_until_it_is_removed(world: World, tmp_path: Path) -> None:
    key = _key(tmp_path)
    assert world.type(world.member, "ssh-keys:add laptop", stdin=key)[0] == 0
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", tmp_path / "ed25519.pub"], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    caller = caller_by_key(world.on, fingerprint, "192.0.2.1")
    assert caller is not None and (caller.name, caller.role) == ("ben", "member")
    assert fingerprint in world.type(world.member, "ssh-keys:list")[1].out
    world.type(world.member, "ssh-keys:remove laptop")
    assert caller_by_key(world.on, fingerprint, "192.0.2.1") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "One public key"),
        ("nonsense", "no kind of key"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("sk-ssh-ed25519@openssh.com AAAA", "security tokens"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("ssh-ed25519 " + "A" * 20_000, "One public key"),
    ],
)
def test_what_is_no_usable_key_is_refused_with_a_reason(small_world: World, text: str, reason: str) -> None:
    code, screen = small_world.type(small_world.member, "ssh-keys:add laptop", stdin=text)
    assert code == 1 and reason in screen.err and "[ssh-key]" in screen.err


def test_weak_rsa_is_refused_and_good_rsa_taken(small_world: World, tmp_path: Path) -> None:
    weak = _key(tmp_path, "rsa", "-b", "1024")
    assert "too weak" in small_world.type(small_world.member, "ssh-keys:add old", stdin=weak)[1].err
    (tmp_path / "b").mkdir()
    good = _key(tmp_path / "b", "rsa", "-b", "2048")
    assert small_world.type(small_world.member, "ssh-keys:add new", stdin=good)[0] == 0


def test_only_administrators_act_for_others(small_world: World, tmp_path: Path) -> None:
    key = _key(tmp_path)
    assert small_world.type(small_world.member, "ssh-keys:add x --user ana", stdin=key)[0] == 1
    assert small_world.type(local_root(), "ssh-keys:add x", stdin=key)[0] == 1
    assert small_world.type(local_root(), "ssh-keys:add x --user ben", stdin=key)[0] == 0
    assert small_world.type(small_world.stranger, "ssh-keys:add y", stdin=key)[0] == 1  # in use already


def test_the_last_administrator_stays(world: World) -> None:
    assert "[last-admin]" in world.type(world.admin, "users:remove ana --force")[1].err
    assert "[last-admin]" in world.type(world.admin, "users:set ana --role member")[1].err
    world.type(world.admin, "users:set ben --role admin")
    assert world.type(world.admin, "users:remove ana --force")[0] == 0


@pytest.mark.parametrize(
    "command", ["users:add x", "users:list", "users:set ana --disable", "users:remove ana --force", "doctor"]
)
def test_members_do_not_administrate(small_world: World, command: str) -> None:
    code, screen = small_world.type(small_world.member, command)
    assert code == 1 and "[forbidden]" in screen.err


def test_access_is_given_raised_and_taken(small_world: World) -> None:
    small_world.type(small_world.admin, "apps:create blog")
    assert small_world.type(small_world.member, "apps:lock blog")[0] == 20
    small_world.type(small_world.admin, "access:add blog ben view")
    assert small_world.type(small_world.member, "apps:lock blog")[0] == 1
    small_world.type(small_world.admin, "access:add blog ben operate")
    assert small_world.type(small_world.member, "apps:lock blog")[0] == 0
    small_world.type(small_world.admin, "access:remove blog ben")
    assert small_world.type(small_world.member, "apps:lock blog")[0] == 20
    assert small_world.type(small_world.admin, "access:add blog ben root")[0] == 1


def _token(world: World, words: str) -> str:
    made = json.loads(world.type(world.member, f"--format json tokens:create {words}")[1].out)
    return str(made["token"])


def test_a_token_is_its_user_within_its_scope(world: World) -> None:
    world.type(world.member, "apps:create blog")
    reader = caller_by_token(world.on, _token(world, "ci --scope read"), "")
    assert reader.name == "ben"
    assert world.type(reader, "apps:info blog")[0] == 0
    assert "[forbidden]" in world.type(reader, "apps:lock blog")[1].err
    deployer = caller_by_token(world.on, _token(world, "cd --scope deploy --only blog"), "")
    assert "[forbidden]" in world.type(deployer, "apps:lock blog")[1].err
    world.type(world.member, "apps:create shop")
    assert world.type(deployer, "apps:info shop")[0] == 20


def test_a_token_for_some_apps_reaches_nothing_else(world: World, tmp_path: Path) -> None:
    """Else it would add an SSH key, and be its user everywhere."""
    world.type(world.admin, "apps:create blog")
    world.type(world.admin, "apps:create shop")
    made = json.loads(world.type(world.admin, "--format json tokens:create ci --only blog")[1].out)
    limited = caller_by_token(world.on, made["token"], "")
    assert world.type(limited, "apps:lock blog")[0] == 0
    assert world.type(limited, "apps:lock shop")[0] == 20
    for command in ("ssh-keys:add me", "tokens:create more", "apps:create new", "users:add eve", "users:list"):
        code, screen = world.type(limited, command, stdin=_key(tmp_path) if "keys" in command else "")
        assert code == 1 and "[forbidden]" in screen.err, command
    assert "blog" in world.type(limited, "events")[1].out
    assert "shop" not in world.type(limited, "events")[1].out
    assert world.type(limited, "apps:list")[1].out == "=====> My Apps\nblog\n"


def test_the_next_account_inherits_no_trail_of_a_removed_one(world: World) -> None:
    world.type(world.stranger, "apps:create secret-plan")
    world.type(world.admin, "users:remove cleo --force")
    next_one = world.person("dora", "member")
    assert "secret-plan" not in world.type(next_one, "events")[1].out
    assert "secret-plan" in world.type(world.admin, "events")[1].out


def test_expired_revoked_and_wrong_tokens_are_refused_alike(world: World) -> None:
    token = _token(world, "ci --days 1")
    said = set()
    for wrong in (token[:-1] + "x", "paas_nope_x", "", "x", token.replace("paas_", "p_")):
        with pytest.raises(UnauthenticatedError) as refused:
            caller_by_token(world.on, wrong, "")
        said.add(str(refused.value))
    caller_by_token(world.on, token, "")
    world.clock.sleep(86401)
    with pytest.raises(UnauthenticatedError) as expired:
        caller_by_token(world.on, token, "")
    other = _token(world, "cd")
    world.type(world.member, "tokens:revoke cd")
    with pytest.raises(UnauthenticatedError) as revoked:
        caller_by_token(world.on, other, "")
    assert said | {str(expired.value), str(revoked.value)} == {str(revoked.value)}


def test_no_token_is_kept_in_the_database_or_the_audit_trail(small_world: World) -> None:
    token = _token(small_world, "ci")
    secret = token.rsplit("_", 1)[1]
    assert secret not in small_world.type(small_world.admin, "events --format json")[1].out
    assert secret not in small_world.type(small_world.member, "tokens:list --format json")[1].out
