"""Arguments: bootstrap, topic, group. Uses confluent-kafka, with transactions and gzip."""
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

bootstrap, topic, group = sys.argv[1:]
base = {"bootstrap.servers": bootstrap}
producer = Producer({**base, "transactional.id": group, "compression.type": "gzip"})
producer.init_transactions(20)
for commits in (True, False, True):
    producer.begin_transaction()
    for number in range(100):
        producer.produce(topic, key="k", value=f"{commits} {number}", partition=0)
    producer.flush(20)
    (producer.commit_transaction if commits else producer.abort_transaction)(20)

consumer = Consumer({**base, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([topic])
values = [message.value().decode() for message in consumer.consume(200, timeout=20) if not message.error()]
while len(values) < 200:
    values += [message.value().decode() for message in consumer.consume(200 - len(values), timeout=20) if not message.error()]
assert values == [f"True {number}" for number in range(100)] * 2, values[:5]
consumer.commit(asynchronous=False)
# 100 + marker, 100 + marker, 100: the marker at the end is not yet passed, or passed, as the client sees it
assert consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset in (302, 303)
consumer.close()

admin = AdminClient(base)
configs = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)])
assert [config.result(10)["retention.ms"].value for config in configs.values()] == ["604800000"]
described = admin.describe_consumer_groups([group])[group].result(10)
assert described.group_id == group
assert admin.list_consumer_groups().result(10).valid
assert admin.describe_cluster().result(10).nodes
print("all well")
