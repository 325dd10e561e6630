"""/v1/models through the SDK."""

import openai
import pytest


def test_the_models_that_can_be_asked_are_listed(client: openai.OpenAI):
    listed = [model.id for model in client.models.list()]
    assert listed == ["scripted", "extractive"]
    assert client.models.retrieve("scripted").id == "scripted"


def test_a_model_that_is_not_there(client: openai.OpenAI):
    for call in (client.models.retrieve, client.models.delete):
        with pytest.raises(openai.NotFoundError) as refused:
            call("gpt-17")
        assert refused.value.body == {
            "message": "The model 'gpt-17' does not exist",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }


def test_a_model_cannot_be_deleted(client: openai.OpenAI):
    with pytest.raises(openai.BadRequestError):
        client.models.delete("scripted")
