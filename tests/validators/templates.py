"""The templates of this project, as CloudFormation receives them: SAM's short forms are expanded first."""

import logging
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [*sorted(ROOT.glob("infra/*.yaml")), *sorted(ROOT.glob("infra/examples/*.yaml"))]
REGION = "us-west-2"

logging.getLogger("samtranslator").setLevel(logging.ERROR)


def expanded(path):
    """The template in this file, after its transform."""
    template = yaml_parse(path.read_text())
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            # The form after `aws cloudformation package`: SAM accepts no local folder.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    # The template names no managed policy by its bare name, so SAM does not call IAM.
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    return translator.translate(template, parameter_values={})
