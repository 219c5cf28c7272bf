"""A reader of the YAML in which Xero's specifications are written, with the standard library alone.

Mappings and lists in blocks or in brackets, quoted, plain and block scalars, comments. Anchors, tags and whatever else
YAML has are refused with their line, never guessed. Dates stay text: the specification means them so.
"""

import json
import re

NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
BLOCK = re.compile(r"([|>])([-+]?)")
REFUSED = "&*!%@`"  # what YAML gives a meaning at the start of a value, and no specification here uses


class YamlError(ValueError):
    """The text is not of the form that is read here."""


class _Reader:
    def __init__(self, text):
        self.lines = text.split("\n")
        self.at = 0

    def fail(self, what):
        raise YamlError(f"line {self.at + 1}: {what}")

    def indent(self):
        """Steps over blank lines and comments; the next line's indentation, or -1 at the end."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.lstrip(" ")
            if text and not text.startswith("#"):
                if text.startswith("\t"):
                    self.fail("a tab indents")
                return len(line) - len(text)
            self.at += 1
        return -1

    def text(self):
        return self.lines[self.at].strip()

    def block(self, least):
        """The value in the lines from here that are indented by at least `least`."""
        indent = self.indent()
        if indent < least:
            return None
        text = self.text()
        if text == "-" or text.startswith("- "):
            return self.sequence(indent)
        if self.key(text) is not None:
            return self.mapping(indent)
        self.at += 1
        return self.value(text, least - 1)

    def sequence(self, indent):
        found = []
        while self.indent() == indent and (self.text() == "-" or self.text().startswith("- ")):
            text = self.text()
            inner = text[1:].lstrip(" ")
            if not inner:
                self.at += 1
                found.append(self.block(indent + 1))
            elif self.key(inner) is not None or inner.startswith("- "):
                # The element's own block begins on this line: read it as if the dash were a space.
                offset = indent + len(text) - len(inner)
                self.lines[self.at] = " " * offset + inner
                found.append(self.block(offset))
            else:
                self.at += 1
                found.append(self.value(inner, indent))
        if self.indent() > indent:
            self.fail("indented further than its list")
        return found

    def mapping(self, indent):
        found = {}
        while self.indent() == indent:
            split = self.key(self.text())
            if split is None:
                break
            name, rest = split
            if name in found:
                self.fail(f"{name!r} comes twice")
            self.at += 1
            if rest and not rest.startswith("#"):
                found[name] = self.value(rest, indent)
            else:
                below = self.indent()
                # A list may stand under its key without being indented.
                is_list = below == indent and (self.text() == "-" or self.text().startswith("- "))
                found[name] = self.block(indent if is_list else indent + 1) if below >= indent else None
        if self.indent() > indent:
            self.fail("indented further than its mapping")
        return found

    def key(self, text):
        """The key of a line and what follows its colon; None if the line is no mapping's."""
        if text[:1] in "\"'":
            quoted, rest = self.quoted_part(text)
            if quoted is None or not re.match(r"\s*:(\s|$)", rest):
                return None
            return quoted, rest.lstrip()[1:].strip()
        if text[:1] in "[{":
            return None
        match = re.match(r"([^#]*?)\s*:(?:\s+(.*))?$", text)
        if not match or not match[1]:
            return None
        if match[1][0] in REFUSED:
            self.fail(f"{match[1]!r} is beyond the YAML that is read here")
        name = self.scalar(match[1])
        return name, (match[2] or "").strip()

    def value(self, text, indent):
        """A value that begins with `text` on the line before; its further lines are indented by more than `indent`."""
        block = BLOCK.fullmatch(text)
        if block:
            return self.block_scalar(indent, *block.groups())
        if text[0] in "\"'":
            while True:
                quoted, rest = self.quoted_part(text)
                if quoted is not None:
                    if rest.strip() and not rest.strip().startswith("#"):
                        self.fail(f"{rest!r} after a closing quote")
                    return quoted
                text += self.folded()
        if text[0] in "[{":
            return self.flow(text)
        if text[0] in REFUSED or text.startswith("? "):
            self.fail(f"{text[0]!r} is beyond the YAML that is read here")
        text = re.sub(r"\s+#.*$", "", text)
        more = self.further_lines(indent)
        return text + more if more else self.scalar(text)

    def further_lines(self, indent):
        """The lines by which a plain scalar goes on."""
        more = ""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            if not line.strip() and self.indent() <= indent:
                break
            more += self.folded()
        if re.search(r":(\s|$)|\s#", more):
            self.fail("a mapping or a comment within a plain value")
        return more

    def folded(self):
        """The next line as folding joins it: a space, or as many line ends as there are blank lines."""
        if self.at >= len(self.lines):
            self.fail("the text ends within a value")
        blank = 0
        while self.at < len(self.lines) and not self.lines[self.at].strip():
            blank += 1
            self.at += 1
        line = self.text()
        self.at += 1
        return ("\n" * blank or " ") + line

    def block_scalar(self, indent, style, chomp):
        lines = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            lines.append(line)
            self.at += 1
        while lines and not lines[-1].strip():
            lines.pop()
        width = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
        lines = [line[width:].rstrip(" ") if style == ">" else line[width:] for line in lines]
        if style == ">" and any(line.startswith(" ") or not line for line in lines):
            self.fail("folding with blank or indented lines is beyond the YAML that is read here")
        text = (" " if style == ">" else "\n").join(lines)
        return text + ("" if chomp == "-" or not text else "\n")

    def quoted_part(self, text):
        """A quoted scalar at the start and the rest; (None, …) if its quote doesn't close."""
        if text[0] == "'":
            match = re.match(r"'((?:[^']|'')*)'(?!')", text)
            return (match[1].replace("''", "'"), text[match.end():]) if match else (None, "")
        match = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if not match:
            return None, ""
        try:
            return json.loads(f'"{match[1]}"', strict=False), text[match.end():]
        except ValueError:
            self.fail(f"{match[0]} has an escape that is beyond the YAML that is read here")

    def flow(self, text):
        """A list or mapping in brackets."""
        while True:
            try:
                value, rest = self.flow_value(text)
            except IndexError:
                text += self.folded()
                continue
            if rest.strip() and not rest.strip().startswith("#"):
                self.fail(f"{rest!r} after a closing bracket")
            return value

    def flow_value(self, text):
        text = text.lstrip()
        if text[0] == "[":
            found, rest = [], text[1:].lstrip()
            while rest[0] != "]":
                value, rest = self.flow_value(rest)
                found.append(value)
                rest = self.after_comma(rest, "]")
            return found, rest[1:]
        if text[0] == "{":
            found, rest = {}, text[1:].lstrip()
            while rest[0] != "}":
                name, rest = self.flow_value(rest)
                rest = rest.lstrip()
                if rest[0] != ":":
                    self.fail("a key in brackets has no colon")
                found[name], rest = self.flow_value(rest[1:])
                rest = self.after_comma(rest, "}")
            return found, rest[1:]
        if text[0] in "\"'":
            quoted, rest = self.quoted_part(text)
            if quoted is None:
                raise IndexError
            return quoted, rest
        match = re.match(r"(?:[^,\[\]{}:#]|:(?!\s)|(?<!\s)#)*", text)
        if match.end() == len(text):
            raise IndexError
        return self.scalar(match[0].strip()), text[match.end():]

    def after_comma(self, rest, closing):
        rest = rest.lstrip()
        if rest[0] == ",":
            return rest[1:].lstrip()
        if rest[0] != closing:
            self.fail(f"{rest[0]!r} where a comma or {closing!r} should be")
        return rest

    @staticmethod
    def scalar(text):
        if text in WORDS:
            return WORDS[text]
        match = NUMBER.fullmatch(text)
        if not match:
            return text
        return float(text) if match[2] or match[3] else int(text)


def read(text):
    """The value that a text in YAML holds.

    Raises YamlError for what is beyond the part of YAML that is read here.
    """
    reader = _Reader(text)
    value = reader.block(0)
    if reader.indent() >= 0:
        reader.fail(f"{reader.text()!r} fits nowhere")
    return value
