#!/usr/bin/env bash
# Apache Kafka on loopback, from the jars on Maven's central repository: one node or three, for tests and development.
# One node is a broker with a controller beside it, of three each is both. A broker that is its own controller takes itself
# for the leader still when it starts after a crash, and may lose the end of a transaction (seen with 4.3.0).
#
#   kafka.sh up [1|3]   get the jars if need be, start the nodes, wait until they answer, print KAFKA_BOOTSTRAP=...
#   kafka.sh down       stop all nodes and delete their data (the jars stay)
#   kafka.sh status     which nodes run, as which process
#   kafka.sh kill N     kill node N at once, as a crash would
#   kafka.sh stop N     stop node N in good order
#   kafka.sh start N    start node N again, with its data
#   kafka.sh env        print KAFKA_BOOTSTRAP=... of the nodes that were started
#
# Needs bash, mvn and Java 17 or later. Environment:
#   QUAYSTREAM_KAFKA_DIR       work directory                       (~/.cache/quaystream/kafka)
#   QUAYSTREAM_KAFKA_VERSION   version of Apache Kafka              (the newest of those tried below)
#   QUAYSTREAM_KAFKA_PORT      first port; node N takes it + 2(N-1) and the one after (free ports unless set)
#   QUAYSTREAM_KAFKA_HEAP      heap of each node                    (320m)
#   QUAYSTREAM_KAFKA_WAIT_S    longest wait for a node, in seconds  (90)
set -euo pipefail

readonly VERSIONS="${QUAYSTREAM_KAFKA_VERSION:-4.3.0 4.2.0 4.1.1 4.1.0 4.0.0}"
readonly LOG4J_VERSION=2.25.1
readonly PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
readonly DIR="${QUAYSTREAM_KAFKA_DIR:-$HOME/.cache/quaystream/kafka}"
readonly RUN="$DIR/run"
readonly HEAP="${QUAYSTREAM_KAFKA_HEAP:-320m}"
readonly WAIT_S="${QUAYSTREAM_KAFKA_WAIT_S:-90}"

say() { printf 'kafka.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

need_java() {
  command -v java >/dev/null || die "java is missing: install a Java 17 runtime (Debian: openjdk-17-jre-headless)"
  local major
  major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
  [[ -n "$major" && "$major" -ge 17 ]] || die "java is of version ${major:-unknown}, and Apache Kafka 4 needs 17 or later"
}

# Puts the jars into $DIR/lib-VERSION and prints that directory. Jars that are there are used again.
jars() {
  local version lib
  for version in $VERSIONS; do
    lib="$DIR/lib-$version"
    if [[ -f "$lib/complete" ]]; then printf '%s\n' "$lib"; return; fi
  done
  command -v mvn >/dev/null || die "mvn is missing and the jars are not in $DIR: install Maven (Debian: maven)"
  for version in $VERSIONS; do
    lib="$DIR/lib-$version"
    rm -rf "$lib"
    mkdir -p "$lib"
    pom "$version" >"$lib/pom.xml"
    say "getting Apache Kafka $version"
    if mvn -q -B -f "$lib/pom.xml" "$PLUGIN" -DincludeScope=runtime -DoutputDirectory="$lib" >"$DIR/maven.log" 2>&1; then
      touch "$lib/complete"
      printf '%s\n' "$lib"
      return
    fi
    rm -rf "$lib"
    say "version $version cannot be had"
  done
  tail -n 20 "$DIR/maven.log" >&2
  die "no version of Apache Kafka could be had from Maven: see $DIR/maven.log"
}

pom() {
  cat <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>quaystream</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$1</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-api</artifactId><version>$LOG4J_VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>$LOG4J_VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$LOG4J_VERSION</version></dependency>
  </dependencies>
</project>
EOF
}

# Is there a listener on this port of loopback?
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The nodes that run: 0 is the controller beside a single broker.
members() {
  case "$(nodes)" in
    0) ;;
    1) echo 0 1 ;;
    *) seq "$(nodes)" ;;
  esac
}

# Prints COUNT ports that no one listens on, below the range that clients take theirs from.
free_ports() {
  local count=$1 port found=0
  port=${QUAYSTREAM_KAFKA_PORT:-$((19000 + RANDOM % 10000))}
  while [[ $found -lt $count ]]; do
    if ! listens "$port"; then
      printf '%s\n' "$port"
      found=$((found + 1))
    elif [[ -n "${QUAYSTREAM_KAFKA_PORT:-}" ]]; then
      die "port $port is taken: set QUAYSTREAM_KAFKA_PORT to another, or leave it unset"
    fi
    port=$((port + 1))
  done
}

# A controller alone has no clients; beside a single broker it has the second port of the two.
client_port() { [[ $1 -eq 0 ]] || sed -n "$((2 * $1 - 1))p" "$RUN/ports"; }

controller_port() { sed -n "$((2 * ($1 > 0 ? $1 : 1)))p" "$RUN/ports"; }

properties() {
  local node=$1 nodes=$2 data=$3 voters=$4
  local client controller roles listeners advertised replicas=1 least=1
  client="PLAINTEXT://127.0.0.1:$(client_port "$node")"
  controller="CONTROLLER://127.0.0.1:$(controller_port "$node")"
  advertised="advertised.listeners=$client"
  case "$nodes/$node" in
    1/0) roles=controller listeners=$controller advertised="" ;;
    1/1) roles=broker listeners=$client ;;
    *) roles=broker,controller listeners="$client,$controller" replicas=3 least=2 ;;
  esac
  cat <<EOF
process.roles=$roles
node.id=$node
controller.quorum.voters=$voters
listeners=$listeners
$advertised
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=$replicas
min.insync.replicas=$least
# A topic that sets max.message.bytes to 16 MB can be replicated; the broker's own message.max.bytes stays as it is.
replica.fetch.max.bytes=20971520
replica.fetch.response.max.bytes=20971520
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$least
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$least
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
# Retention and compaction look often, so that tests see them.
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=4194304
log.segment.delete.delay.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.network.threads=2
num.io.threads=2
background.threads=2
EOF
}

log4j() {
  cat <<'EOF'
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1}: %m%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
EOF
}

# The command line of a process, by /proc where there is one.
command_of() {
  if [[ -r "/proc/$1/cmdline" ]]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -o args= -p "$1" 2>/dev/null; fi
}

# The process of node N, if it runs. A number that another program has by now is not taken for it.
pid_of() {
  local file="$RUN/node-$1/pid" pid
  [[ -f "$file" ]] || return 1
  pid=$(<"$file")
  kill -0 "$pid" 2>/dev/null || return 1
  command_of "$pid" | grep -qF "$RUN/node-$1/server.properties" || return 1
  printf '%s\n' "$pid"
}

launch() {
  local node=$1 home="$RUN/node-$1" lib
  lib=$(<"$RUN/lib")
  : >"$home/log"
  # Detached from the caller's terminal and pipes; setsid keeps its interrupts away, nohup its hang-ups.
  local detached=nohup
  command -v setsid >/dev/null && detached=setsid
  "$detached" java -Xms"$HEAP" -Xmx"$HEAP" -Xss512k -XX:+UseSerialGC -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError \
    -Djava.net.preferIPv4Stack=true -Dlog4j2.configurationFile="file:$RUN/log4j2.properties" \
    -cp "$lib/*" kafka.Kafka "$home/server.properties" </dev/null >>"$home/log" 2>&1 &
  printf '%s\n' $! >"$home/pid"
}

await() {
  local node=$1 home="$RUN/node-$1" waited=0
  while ! grep -q 'Kafka Server started' "$home/log"; do
    if ! kill -0 "$(<"$home/pid")" 2>/dev/null; then
      tail -n 20 "$home/log" >&2
      die "node $node ended while it started: see $home/log"
    fi
    waited=$((waited + 1))
    [[ $waited -le $((WAIT_S * 5)) ]] || die "node $node did not start within $WAIT_S s: see $home/log"
    sleep 0.2
  done
}

# Ends node N with this signal, and with KILL if it is still there after 30 s.
end() {
  local node=$1 signal=$2 pid waited=0
  pid=$(pid_of "$node") || { rm -f "$RUN/node-$node/pid"; return 0; }
  kill -"$signal" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    waited=$((waited + 1))
    if [[ $waited -eq 150 ]]; then
      say "node $node is still there after 30 s: killed"
      kill -KILL "$pid" 2>/dev/null || true
    fi
    [[ $waited -le 200 ]] || die "process $pid of node $node cannot be ended"
    sleep 0.2
  done
  rm -f "$RUN/node-$node/pid"
}

nodes() { [[ -f "$RUN/nodes" ]] && cat "$RUN/nodes" || printf '0\n'; }

environment() {
  local count servers="" node
  count=$(nodes)
  [[ $count -gt 0 ]] || die "no node was started: kafka.sh up"
  for ((node = 1; node <= count; node++)); do
    servers+="${servers:+,}127.0.0.1:$(client_port "$node")"
  done
  printf 'KAFKA_BOOTSTRAP=%s\n' "$servers"
}

up() {
  local count=${1:-1} node lib voters="" cluster
  [[ $count == 1 || $count == 3 ]] || die "up takes 1 or 3"
  if [[ $(nodes) -gt 0 ]]; then
    [[ $(nodes) == "$count" ]] || die "$(nodes) node(s) were started already: kafka.sh down first"
    for node in $(members); do start "$node"; done
    environment
    return
  fi
  need_java
  mkdir -p "$DIR"
  lib=$(jars)
  rm -rf "$RUN"
  mkdir -p "$RUN"
  printf '%s\n' "$lib" >"$RUN/lib"
  log4j >"$RUN/log4j2.properties"
  free_ports $((2 * count)) >"$RUN/ports"
  printf '%s\n' "$count" >"$RUN/nodes"
  if [[ $count == 1 ]]; then
    voters="0@127.0.0.1:$(controller_port 0)"
  else
    for node in $(members); do voters+="${voters:+,}$node@127.0.0.1:$(controller_port "$node")"; done
  fi
  cluster=$(java -cp "$lib/*" -Dlog4j2.configurationFile="file:$RUN/log4j2.properties" kafka.tools.StorageTool random-uuid | tail -n 1)
  for node in $(members); do
    mkdir -p "$RUN/node-$node/data"
    properties "$node" "$count" "$RUN/node-$node/data" "$voters" >"$RUN/node-$node/server.properties"
    java -cp "$lib/*" -Dlog4j2.configurationFile="file:$RUN/log4j2.properties" kafka.tools.StorageTool \
      format -t "$cluster" -c "$RUN/node-$node/server.properties" >"$RUN/node-$node/format.log" 2>&1 ||
      { cat "$RUN/node-$node/format.log" >&2; die "the data directory of node $node cannot be formatted"; }
  done
  # What was started is stopped again if not all come up.
  trap 'down' EXIT
  for node in $(members); do launch "$node"; done
  for node in $(members); do await "$node"; done
  trap - EXIT
  environment
}

start() {
  if ! pid_of "$1" >/dev/null; then
    launch "$1"
    await "$1"
  fi
}

check_node() {
  [[ "${1:-}" =~ ^[1-3]$ && "$1" -le $(nodes) ]] || die "give the number of a node, 1 to $(nodes)"
}

down() {
  local node pid
  # All are asked first: one that waits for the others would else take its full time. The controller goes last: a broker
  # takes its leave of it.
  for node in $(members); do
    [[ $node -eq 0 ]] && continue
    pid=$(pid_of "$node") && kill -TERM "$pid" 2>/dev/null || true
  done
  for node in $(members | tr ' ' '\n' | tac); do end "$node" TERM; done
  rm -rf "$RUN"
}

status() {
  local node pid
  [[ $(nodes) -gt 0 ]] || { printf 'no node was started\n'; return; }
  for node in $(members); do
    if ! pid=$(pid_of "$node"); then
      printf 'node %s does not run\n' "$node"
    elif [[ $node -eq 0 ]]; then
      printf 'node 0, the controller, runs as process %s\n' "$pid"
    else
      printf 'node %s runs as process %s on 127.0.0.1:%s\n' "$node" "$pid" "$(client_port "$node")"
    fi
  done
}

case "${1:-}" in
  up) up "${2:-1}" ;;
  down) down ;;
  status) status ;;
  kill) check_node "${2:-}"; end "$2" KILL ;;
  stop) check_node "${2:-}"; end "$2" TERM ;;
  start) check_node "${2:-}"; start "$2" ;;
  env) environment ;;
  *) sed -n '2,19p' "$0" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
