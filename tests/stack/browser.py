"""As much of a browser as the console needs: cookies, forms, and a person at Xero's page."""

import html
import re
import urllib.error
import urllib.parse
import urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def led_to(request):
    """Where Xero's page leads, or what it shows."""
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as answer:
            return None, answer.read().decode()
    except urllib.error.HTTPError as answer:
        assert answer.code == 302, answer
        return answer.headers["location"], ""


class Browser:
    """Somebody at the console."""

    def __init__(self, stack, owner):
        self.stack, self.owner = stack, owner
        self.cookie = None

    def ask(self, method, path, form=None):
        headers = {"content-type": "application/x-www-form-urlencoded"} if form is not None else {}
        if self.cookie:
            headers["cookie"] = self.cookie
        body = urllib.parse.urlencode(form) if form is not None else None
        status, answered, content = self.stack.stand_in.ask(method, self.stack.outputs, path, body, headers)
        if answered.get("set-cookie"):
            self.cookie = answered["set-cookie"].split(";")[0]
        return status, answered.get("location"), content.decode()

    def links(self):
        """The links that were mailed; other mails may come at any time."""
        found = [re.search(r"/sign-in/link\?token=[A-Za-z0-9_.-]+", mail["BodyText"]) for mail in self.stack.stand_in.mails()]
        return [link.group(0) for link in found if link]

    def sign_in(self):
        """By the link that is mailed, which a button uses up."""
        before = len(self.links())
        status, _, page = self.ask("GET", "/sign-in")
        assert status == 200, (status, page)
        self.ask("POST", "/sign-in", {"address": "stranger@example.com", "csrf": hidden(page, "csrf")})
        status, _, page = self.ask("POST", "/sign-in", {"address": self.owner, "csrf": hidden(page, "csrf")})
        assert status == 200, (status, page)
        links = self.links()
        assert len(links) == before + 1, "only who is configured gets a link"
        status, _, page = self.ask("GET", links[-1])
        assert status == 200, (status, page)
        form = {"token": hidden(page, "token"), "csrf": hidden(page, "csrf")}
        status, _, page = self.ask("POST", "/sign-in/link", form)
        assert status == 303 and self.cookie, (status, page)

    def connect(self, connection, shop):
        """Over Xero's page, on which the person allows access to one organisation."""
        status, _, page = self.ask("GET", "/connections")
        assert status == 200, page
        form = {"csrf": hidden(page, "csrf")}
        status, xero, page = self.ask("POST", f"/connections/{connection}/connect", form)
        assert status == 303, page
        _, shown = led_to(xero)
        named = re.search(rf'name="organisation" value="([^"]*)"[^>]*> {re.escape(shop)}<', shown)
        assert named, shown
        decision = urllib.parse.urlencode({"organisation": named.group(1), "decision": "allow"})
        back, _ = led_to(urllib.request.Request(xero, decision.encode()))
        console = self.stack.outputs["ConsoleUrl"]
        assert back.startswith(f"{console}/connections/callback"), back
        status, _, page = self.ask("GET", back.removeprefix(console))
        assert status == 200, page
        form = {name: hidden(page, name) for name in ("csrf", "state", "code")}
        status, _, page = self.ask("POST", "/connections/callback", form)
        assert status == 200 and f"{shop} is connected." in page, page

    def disconnect(self, connection):
        status, _, page = self.ask("GET", f"/connections/{connection}/disconnect")
        assert status == 200, page
        form = {"csrf": hidden(page, "csrf")}
        status, _, page = self.ask("POST", f"/connections/{connection}/disconnect", form)
        assert status == 200 and "Not connected." in page, page


def hidden(page, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name} in {page}"
    return html.unescape(found.group(1))
