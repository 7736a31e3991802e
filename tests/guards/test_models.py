"""Every model travels through JSON and back unchanged, and its documents fit its own schema.

The instances are those that the docstring examples make, so a new model is covered by its own example.
"""

import importlib.util
import json

import house
import pytest

jsonschema = pytest.importorskip("jsonschema")


def models():
    """List every public model class."""
    if importlib.util.find_spec("salesops._codec") is None:
        return {}
    from salesops._codec import Model

    return {
        name: thing
        for name, thing in house.public_objects()
        if isinstance(thing, type) and issubclass(thing, Model) and thing is not Model
    }


MODELS = models()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_an_instance_among_its_examples(name, born):
    assert born.get(MODELS[name])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_survives_the_journey_through_json(name, born):
    for model in born.get(MODELS[name], []):
        text = json.dumps(model.to_dict(), allow_nan=False)
        assert type(model).from_dict(json.loads(text)) == model


@pytest.mark.parametrize("name", MODELS)
def test_the_document_of_a_model_fits_its_schema(name, born):
    schema = MODELS[name].json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    for model in born.get(MODELS[name], []):
        assert list(check.iter_errors(json.loads(json.dumps(model.to_dict())))) == []


@pytest.mark.parametrize("name", MODELS)
def test_a_model_can_be_hashed_and_compared(name, born):
    for model in born.get(MODELS[name], []):
        twin = type(model).from_dict(model.to_dict())
        assert hash(twin) == hash(model)
