"""Lines of a job's log look like Heroku's, and hold no secret."""

from __future__ import annotations

from paas.errors import DeployError
from paas.flows.say import JobLog
from paas.rules.config import Variable
from paas.rules.secret import Secret


def test_headers_bodies_and_remarks() -> None:
    lines: list[str] = []
    say = JobLog(lines.append, 10_000)
    say.header("Building")
    say("one\ntwo")
    say("")
    say.remark("oh")
    assert lines == ["-----> Building", "       one", "       two", "", " !     oh"]


def test_values_of_eight_and_more_characters_are_hidden_also_in_remarks() -> None:
    lines: list[str] = []
    say = JobLog(lines.append, 10_000)
    say.hide({"A": Variable(Secret("swordfish")), "B": Variable(Secret("true")), "C": Variable(Secret("first one\nx"))})
    say("swordfish is true")
    say.quote(["swordfish", "first one"])
    assert lines == ["       ******** is true", " !     ********", " !     ********"]


def test_what_an_error_quotes_is_concealed_too() -> None:
    say = JobLog(lambda line: None, 10_000)
    say.hide({"A": Variable(Secret("swordfish"))})
    error = DeployError("GET / answered 500: swordfish", "is it swordfish?", tail=("swordfish", "x"))
    say.conceal(error)
    assert (error.message, error.hint) == ("GET / answered 500: ********", "is it ********?")
    assert error.tail == ("********", "x")


def test_a_chatty_build_is_cut_off_and_what_went_wrong_is_still_said() -> None:
    lines: list[str] = []
    say = JobLog(lines.append, 100)
    for number in range(50):
        say(f"line {number}")
    say.remark("it failed")
    assert len([line for line in lines if "cut off" in line]) == 1
    assert lines[-1] == " !     it failed"
    assert len(lines) < 12
