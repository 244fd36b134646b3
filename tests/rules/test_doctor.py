import pytest

from paas.rules import doctor as judge
from paas.rules.doctor import Finding, Leftovers, worst


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (judge.judge_worker(""), "ok"),
        (judge.judge_worker("The worker does not answer"), "fail"),
        (judge.judge_engine("20.10", "1.41", ""), "ok"),
        (judge.judge_engine("", "", "Docker does not answer"), "fail"),
        (judge.judge_live_restore(True), "ok"),
        (judge.judge_live_restore(False), "warn"),
        (judge.judge_live_restore(False, is_swarm=True), "ok"),
        (judge.judge_builder("cli docker", ""), "ok"),
        (judge.judge_builder("", "no docker knows BuildKit"), "fail"),
        (judge.judge_nginx(12, "nginx"), "ok"),
        (judge.judge_nginx(None, "nginx"), "fail"),
        (judge.judge_port("ssh", 2222, answers=True), "ok"),
        (judge.judge_port("ssh", 2222, answers=False), "fail"),
        (judge.judge_places([]), "ok"),
        (judge.judge_places(["keys is missing"]), "fail"),
        (judge.judge_firewall([]), "ok"),
        (judge.judge_firewall(["chain"]), "fail"),
        (judge.judge_probe([]), "ok"),
        (judge.judge_probe(["169.254.169.254:80"]), "fail"),
        (judge.judge_probe(None, "there is no app yet"), "warn"),
        (judge.judge_disk("disk", 10, 100), "fail"),
        (judge.judge_disk("disk", 150, 100), "warn"),
        (judge.judge_disk("disk", 300, 100), "ok"),
        (judge.judge_clock(0.4, "a server"), "ok"),
        (judge.judge_clock(-60, "a server"), "warn"),
        (judge.judge_clock(None, ""), "ok"),
        (judge.judge_base_images(["paas/base-python-3.11:1"]), "ok"),
        (judge.judge_base_images([]), "warn"),
        (judge.judge_leftovers(Leftovers()), "ok"),
        (judge.judge_leftovers(Leftovers(networks=("paas-x",))), "warn"),
        (judge.judge_secrets([]), "ok"),
        (judge.judge_secrets(["keys/session.key is no random key"]), "fail"),
    ],
)
def test_each_fact_has_its_state_and_a_remedy_unless_all_is_well(finding, state):
    assert finding.state == state
    assert bool(finding.remedy) == (state != "ok")


def test_the_worst_finding_decides():
    ok, warn, fail = (Finding("x", state, "") for state in ("ok", "warn", "fail"))
    assert (worst([]), worst([ok, warn]), worst([fail, ok])) == ("ok", "warn", "fail")


def test_many_wrong_places_are_one_line():
    finding = judge.judge_places(["keys is missing", "logs has mode 0777, not 2750"])
    assert finding.message == "keys is missing and 1 more"
