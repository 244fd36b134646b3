"""How do the doors beside SSH refuse? The API and the dashboard's forms, as programs and browsers speak to them."""

from __future__ import annotations

import re

import requests

from tests.journeys.installation import Installation


class Doors:
    """The API with a token, and the dashboard with a cookie, of one user."""

    def __init__(self, on: Installation, user: str, password: str) -> None:
        self._here, self._host = f"http://127.0.0.1:{on.http_port}", f"paas.localhost:{on.http_port}"
        self._token = on.ask("tokens:create", "doors", user=user)["token"]
        self._ours = {"Host": self._host, "Origin": f"http://{self._host}", "Sec-Fetch-Site": "same-origin"}
        self._send("/sign-in", {"name": user, "password": password, "csrf_token": self._csrf("/sign-in")})

    def api(self, method: str, path: str, body: dict[str, object]) -> str:
        """The code of the refusal."""
        headers = {"Host": self._host, "Authorization": f"Bearer {self._token}"}
        answer = requests.request(method, f"{self._here}/api/v1{path}", json=body, headers=headers, timeout=20)
        assert answer.status_code >= 400 and set(answer.json()) == {"code", "message", "hint"}, answer.text
        return str(answer.json()["code"])

    def web(self, command: str, **form: str) -> str:
        """The code on the page that says no."""
        answer = self._send(f"/do/{command}", {"csrf_token": self._csrf("/keys"), **form})
        found = re.search("code <code>([^<]+)</code>", answer.text)
        assert answer.status_code >= 400 and found is not None, answer.text
        return found[1]

    def _csrf(self, path: str) -> str:
        answer = requests.get(self._here + path, headers=self._ours, timeout=20)
        self._keep(answer)
        found = re.search('name="csrf_token" value="([0-9a-f]{64})"', answer.text)
        assert found is not None, answer.text
        return found[1]

    def _send(self, path: str, form: dict[str, str]) -> requests.Response:
        answer = requests.post(self._here + path, form, headers=self._ours, allow_redirects=False, timeout=20)
        self._keep(answer)
        return answer

    def _keep(self, answer: requests.Response) -> None:
        if "Set-Cookie" in answer.headers:
            self._ours["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
