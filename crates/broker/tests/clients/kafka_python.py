"""Arguments: bootstrap, topic, group. Uses kafka-python or its successor kafka-python-ng."""
import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

bootstrap, topic, group = sys.argv[1:]
for codec in (None, "gzip"):
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, linger_ms=5)
    for number in range(500):
        future = producer.send(topic, key=b"k", value=b"%d" % number, headers=[("type", b"gate-in")], partition=0)
    assert future.get(timeout=10).topic == topic
    producer.close(timeout=10)

consumer = KafkaConsumer(
    topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, consumer_timeout_ms=20000
)
values = []
for message in consumer:
    assert message.headers == [("type", b"gate-in")]
    values.append(int(message.value))
    if len(values) == 1000:
        break
assert values == list(range(500)) * 2, len(values)
consumer.commit()
partition = TopicPartition(topic, 0)
assert consumer.committed(partition) == 1000
assert consumer.end_offsets([partition])[partition] == 1000
assert consumer.offsets_for_times({partition: 0})[partition].offset == 0
consumer.close()

admin = KafkaAdminClient(bootstrap_servers=bootstrap)
try:
    admin.create_topics([NewTopic(topic, 1, 1)])
    raise AssertionError("the topic was created twice")
except TopicAlreadyExistsError:
    pass
assert topic in admin.list_topics()
if hasattr(admin, "list_groups"):  # since version 3
    names = [found["group_id"] for found in admin.list_groups()]
else:
    names = [name for name, *_ in admin.list_consumer_groups()]
assert group in names, names
admin.delete_topics([topic])
print("all well")
