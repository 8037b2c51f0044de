"""OpenAI's Python client, unchanged, against a running platform: python openai_client.py <url> <key> <sound>."""
import json
import sys
import time

import openai

url, key, sound = sys.argv[1:4]
client = openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)

names = [model.id for model in client.models.list()]
assert {"digits", "sentiment", "storyteller"} <= set(names), names
assert client.models.retrieve("digits@production").id == "digits@production"

chat = {"model": "storyteller", "messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 8, "temperature": 0}
whole = client.chat.completions.create(**chat)
assert whole.usage.completion_tokens == 8 and whole.choices[0].finish_reason == "length", whole
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**chat, stream=True))
assert streamed == whole.choices[0].message.content, streamed

with open(sound, "rb") as file:
    heard = client.audio.transcriptions.create(
        model="digit-strings", file=file, response_format="verbose_json", timestamp_granularities=["word"]
    )
assert heard.text == "0 2 5 8 1" and [word.word for word in heard.words] == heard.text.split(), heard

lines = [
    {"custom_id": str(index), "method": "POST", "url": "/models/sentiment", "body": {"inputs": text}}
    for index, text in enumerate(["great phone", "never again", 7])
]
file = client.files.create(file=("in.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
assert client.files.retrieve(file.id) == file and file.id in [each.id for each in client.files.list(limit=1)]
batch = client.batches.create(input_file_id=file.id, endpoint="/models/sentiment", completion_window="24h")
while batch.status not in ("completed", "failed", "cancelled", "expired"):
    time.sleep(0.1)
    batch = client.batches.retrieve(batch.id)
assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 1), batch
twice = client.files.create(file=("twice.jsonl", (json.dumps(lines[0]) + "\n").encode() * 2), purpose="batch")
refused = client.batches.create(input_file_id=twice.id, endpoint="/models/sentiment", completion_window="24h")
while refused.status == "validating":
    time.sleep(0.1)
    refused = client.batches.retrieve(refused.id)
assert [(each.code, each.line, each.param) for each in refused.errors.data] == [("duplicate_custom_id", 2, "custom_id")], refused
answers = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
assert [answer["response"]["body"][0][0]["label"] for answer in answers] == ["positive", "negative"], answers
large = bytes(range(256)) * 40_000
upload = client.uploads.upload_file_chunked(
    file=large, filename="large.bin", bytes=len(large), mime_type="application/octet-stream", purpose="user_data", part_size=4 * 2**20
)
assert client.files.content(upload.file.id).content == large
try:
    client.uploads.upload_file_chunked(
        file=large, filename="large.bin", bytes=len(large), mime_type="application/octet-stream", purpose="user_data"
    )
    raise SystemExit("parts of 64 MB were taken")
except openai.APIStatusError as error:
    assert error.status_code == 413 and "part_size=4 * 2**20" in str(error), error
assert client.files.delete(file.id).deleted

for wrong, kind in (
    (lambda: client.models.retrieve("nothing"), openai.NotFoundError),
    (lambda: client.files.retrieve(file.id), openai.NotFoundError),
    (lambda: client.embeddings.create(model="digits", input="a"), openai.BadRequestError),
    (lambda: client.with_options(api_key="lam_nobody").models.list(), openai.AuthenticationError),
):
    try:
        wrong()
    except kind as error:
        assert error.request_id and error.body["message"], error
    else:
        raise AssertionError(f"no {kind.__name__}")
print("openai: all as expected")
