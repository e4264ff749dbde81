"""The templates of this project, as CloudFormation gets them: SAM's short forms are written out first."""

import logging
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
OURS = [*sorted(ROOT.glob("infra/*.yaml")), *sorted(ROOT.glob("infra/examples/*.yaml"))]
REGION = "us-west-2"

logging.getLogger("samtranslator").setLevel(logging.ERROR)


def written_out(path):
    """The template in this file, after the transform that it asks for."""
    template = yaml_parse(path.read_text())
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            # As `aws cloudformation package` leaves it: SAM takes no local folder.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    # No managed policy is named by its bare name, so SAM need not ask IAM for any.
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    return translator.translate(template, parameter_values={})
