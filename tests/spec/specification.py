"""What an OpenAPI specification of Xero says of a request and its answer, taken strictly.

Unknown paths, parameters and fields, wrong types, formats, values and lengths, and whatever is required and missing are
violations. Fields that the specification calls read-only are violations in a request.
"""

import datetime
import json
import re
import urllib.parse
import uuid

import plain_yaml

DAY = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
MS_DATE = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/")  # how Xero's JSON writes what the specification calls an MS date
OWN_HEADERS = {"xero-tenant-id", "idempotency-key", "if-modified-since"}  # Xero's: nowhere but where it declares them
REFUSED = 400  # comes with Xero's error wherever it comes, though the specification declares it for most writes alone
METHODS = {"get", "put", "post", "delete"}
KNOWN_WORDS = {
    "$ref", "type", "format", "properties", "items", "required", "enum", "maxLength", "readOnly", "default",
    "description", "example", "externalDocs",
}


class SpecificationError(ValueError):
    """The specification uses what isn't judged here, so a silent pass would be possible."""


def unique(pairs):
    """An object of JSON whose names are unique."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in an object")
    return found


def is_day(text):
    try:
        return bool(DAY.fullmatch(text)) and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def is_instant(text):
    try:
        return bool(INSTANT.fullmatch(text)) and bool(datetime.datetime.fromisoformat(text[:19]))
    except ValueError:
        return False


def is_id(text):
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


FORMATS = {"uuid": is_id, "date": is_day, "date-time": is_instant, "binary": None, "byte": None}
TYPES = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: is_number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Operation:
    """One method of one path, with what it takes and answers."""

    def __init__(self, name, node, parameters):
        self.name, self.node, self.parameters = name, node, parameters

    def of_place(self, place):
        """The parameters of the path, the query or the headers by name; headers in lower case."""
        fold = str.lower if place == "header" else str
        return {fold(one["name"]): one for one in self.parameters if one["in"] == place}


class Specification:
    """A specification, and the fields by which it is known to be behind Xero.

    `base` is the path under which its paths are served; `behind` holds pairs of a schema's name and a field's. Fields that
    the specification's own examples of answers show, and its schemas lack, are known too: Xero's envelope, texts of dates.
    """

    def __init__(self, text, base, behind=()):
        self.document = plain_yaml.read(text)
        self.base, self.behind = base, set(behind)
        # Some operations are served elsewhere than their path says, which tells them apart from another.
        self.routes = [
            (item[method].get("x-path", name).strip("/").split("/"), method, name, item)
            for name, item in self.document["paths"].items()
            for method in sorted(METHODS & set(item))
        ]
        self.check_words(self.document.get("components", {}).get("schemas", {}).values())
        for item in self.document["paths"].values():
            for method in METHODS & set(item):
                for answer in item[method]["responses"].values():
                    content = self.resolved(answer)[0].get("content", {}).get("application/json", {})
                    if "example" in content:
                        self.learn(content["schema"], content["example"])

    def learn(self, schema, value):
        """Notes the fields of an example that its schema lacks."""
        schema, name = self.resolved(schema)
        if isinstance(value, list):
            for one in value if "items" in schema else []:
                self.learn(schema["items"], one)
        elif isinstance(value, dict):
            properties = schema.get("properties", {})
            for field, inner in value.items():
                if field in properties:
                    self.learn(properties[field], inner)
                else:
                    self.behind.add((name, field))

    def check_words(self, schemas):
        """Refuses schemas with words that `problems` doesn't know."""
        for schema in schemas:
            unknown = {word for word in schema if not word.startswith("x-")} - KNOWN_WORDS
            if unknown or schema.get("format") not in {None, "double", "int32", "int64", *FORMATS}:
                raise SpecificationError(f"the schema {schema} has words that are not judged: {sorted(unknown)}")
            self.check_words(schema.get("properties", {}).values())
            if "items" in schema:
                self.check_words([schema["items"]])

    def resolved(self, node):
        """A node without references, and the name that the last reference gave it."""
        name = None
        while "$ref" in node:
            parts = node["$ref"].removeprefix("#/").split("/")
            node, name = self.document, parts[-1]
            for part in parts:
                node = node[part]
        return node, name

    def operations(self, method, path):
        """The operations that a request may mean: some paths differ in the kind of their last part alone.

        Raises LookupError with what is wrong if there is none.
        """
        if not path.startswith(self.base):
            raise LookupError(f"{path} is not under {self.base}")
        parts = [urllib.parse.unquote(part) for part in path[len(self.base):].strip("/").split("/")]
        found, templates = [], []
        for template, its_method, name, item in self.routes:
            if len(template) != len(parts):
                continue
            values = {}
            for wanted, part in zip(template, parts):
                if wanted.startswith("{"):
                    values[wanted[1:-1]] = part
                elif wanted != part:
                    break
            else:
                templates.append(name)
                if its_method == method.lower():
                    node = item[its_method]
                    both = item.get("parameters", []) + node.get("parameters", [])
                    operation = Operation(f"{method} {name}", node, [self.resolved(one)[0] for one in both])
                    found.append((operation, values))
        if not templates:
            raise LookupError(f"no such path: {'/'.join(parts[:1])} with {len(parts)} parts")
        if not found:
            raise LookupError(f"{method} is not among the methods of {templates[0]}")
        # The literal path first: Items/History is not an item of that name.
        return sorted(found, key=lambda one: len(one[1]))

    def request_problems(self, operation, path_values, query, headers, body):
        """What is wrong with a request of an operation, as a list of sentences."""
        problems = []
        declared = operation.of_place("path")
        for name, value in path_values.items():
            problems += self.parameter_problems(declared.get(name), [value], f"path {name}")
        declared = operation.of_place("query")
        given = {}
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            given.setdefault(name, []).append(value)
        for name, values in given.items():
            problems += self.parameter_problems(declared.get(name), values, f"query {name}")
        problems += [f"query {name}: missing" for name, one in declared.items() if one.get("required") and name not in given]
        declared = operation.of_place("header")
        own = {name: value for name, value in headers.items() if name in OWN_HEADERS}
        for name, value in own.items():
            problems += self.parameter_problems(declared.get(name), [value], f"header {name}")
        problems += [
            f"header {name}: missing"
            for name, one in declared.items()
            if one.get("required") and name not in headers and name != "contenttype"  # Content-Type, judged with the body
        ]
        problems += self.accept_problems(operation, headers.get("accept", "*/*"))
        return problems + self.body_problems(operation, headers, body)

    def accept_problems(self, operation, accept):
        """Whether the answer can come in a form that is asked for."""
        answers = [self.resolved(answer)[0] for status, answer in operation.node["responses"].items() if status < "300"]
        forms = {form for answer in answers for form in answer.get("content", {})}
        wanted = {one.split(";")[0].strip() for one in accept.split(",")}
        fits = not forms or forms == {"application/octet-stream"} or wanted & (forms | {"*/*"})
        return [] if fits else [f"header accept: {accept!r} has none of {sorted(forms)}"]

    def body_problems(self, operation, headers, body):
        wanted, _ = self.resolved(operation.node.get("requestBody", {}))
        if not body:
            return ["body: missing"] if wanted.get("required") else []
        if not wanted:
            return ["body: not declared"]
        kind = headers.get("content-type", "").split(";")[0].strip()
        if kind not in wanted["content"]:
            return [f"header content-type: {kind!r} is not among {sorted(wanted['content'])}"]
        if kind == "application/octet-stream":
            return []
        return self.json_problems(wanted["content"][kind]["schema"], body, asked=True)

    def answer_problems(self, operation, status, is_json, body):
        """What is wrong with an answer of an operation, as a list of sentences."""
        answers = operation.node["responses"]
        if str(status) in answers:
            content = self.resolved(answers[str(status)])[0].get("content", {})
        elif status == REFUSED:
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
        else:
            return [f"status {status}: not declared"]
        if not content:
            return ["body: not declared"] if body else []
        if not is_json:
            return [] if set(content) - {"application/json"} else ["body: not JSON"]
        if "application/json" not in content:
            return ["body: JSON, which is not declared"]
        return self.json_problems(content["application/json"]["schema"], body, asked=False)

    def json_problems(self, schema, body, asked):
        try:
            value = json.loads(body, object_pairs_hook=unique)
        except ValueError as error:
            return [f"body: {error}"]
        problems = []
        self.problems(schema, value, "body", asked, problems)
        return problems

    def parameter_problems(self, declared, values, where):
        if declared is None:
            return [f"{where}: unknown"]
        schema, _ = self.resolved(declared["schema"])
        if schema["type"] == "array" and not declared.get("explode", True):
            values = [part for value in values for part in value.split(",")]
        elif schema["type"] != "array" and len(values) > 1:
            return [f"{where}: comes twice"]
        if schema["type"] == "array":
            schema, _ = self.resolved(schema["items"])
        problems = []
        for value in values:
            if schema["type"] in ("integer", "number", "boolean"):
                try:
                    value = json.loads(value)
                except ValueError:
                    problems.append(f"{where}: {value!r} is no {schema['type']}")
                    continue
            self.problems(schema, value, where, True, problems)
        return problems

    def problems(self, schema, value, where, asked, problems):
        """Adds to `problems` what is wrong with a value at a place, in a request (`asked`) or an answer."""
        schema, name = self.resolved(schema)
        kind = schema.get("type") or ("object" if "properties" in schema else "string" if "enum" in schema else None)
        if kind is None:
            return
        if not TYPES[kind](value):
            problems.append(f"{where}: {json.dumps(value)[:60]} is no {kind}")
            return
        if "enum" in schema and value not in schema["enum"]:
            problems.append(f"{where}: {value!r} is not among the values")
        if kind == "string":
            self.text_problems(schema, value, where, asked, problems)
        elif kind == "array":
            for one in value:
                self.problems(schema["items"], one, f"{where}[]", asked, problems)
        elif kind == "object" and "properties" in schema:
            properties = schema["properties"]
            for field, inner in value.items():
                if field in properties:
                    if asked and properties[field].get("readOnly"):
                        problems.append(f"{where}.{field}: read-only")
                    self.problems(properties[field], inner, f"{where}.{field}", asked, problems)
                elif asked or (name, field) not in self.behind:
                    problems.append(f"{where}.{field}: unknown in {name}")
            problems.extend(f"{where}.{field}: missing" for field in schema.get("required", []) if field not in value)

    @staticmethod
    def text_problems(schema, value, where, asked, problems):
        if len(value) > schema.get("maxLength", len(value)):
            problems.append(f"{where}: longer than {schema['maxLength']}")
        matches = FORMATS.get(schema.get("format"))
        if schema.get("x-is-msdate"):
            if not (is_day(value) if asked else MS_DATE.fullmatch(value)):
                problems.append(f"{where}: {value!r} is no date as it is {'sent' if asked else 'answered'}")
        elif schema.get("x-is-msdate-time"):
            if not asked and not MS_DATE.fullmatch(value):
                problems.append(f"{where}: {value!r} is no instant as it is answered")
        elif matches and not matches(value):
            problems.append(f"{where}: {value[:60]!r} is no {schema['format']}")
