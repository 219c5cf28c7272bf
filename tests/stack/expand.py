"""The template as CloudFormation would see it: expanded by AWS's own translator, without an account."""

import copy
import logging
import os
from pathlib import Path

REGION = "eu-central-1"
# What the stack under test is called.
STACK = "shop"
os.environ.setdefault("AWS_DEFAULT_REGION", REGION)

from samtranslator.translator.transform import transform  # noqa: E402, it wants a region at once
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

# It warns that its own figures are not sent to anybody.
logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
# Where the code of a function lies that was not uploaded anywhere.
NOWHERE = "s3://not-uploaded/"


class NoPolicies:
    """The translator asks for AWS's managed policies, of which the template names none."""

    def load(self):
        return {}


def source(text=None):
    """The template as written."""
    return yaml_parse(text if text is not None else TEMPLATE.read_text())


def expand(template, code=None):
    """The template without SAM's types. `code` gives the place of each function's code."""
    template = copy.deepcopy(template)
    template["Globals"]["Function"].pop("CodeUri", None)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = (code or {}).get(name, NOWHERE + name)
    return transform(template, {}, NoPolicies())
