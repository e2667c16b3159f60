set -e
for n in lan pub srv rcv; do ip netns add pc-$n; ip -n pc-$n link set lo up; done
ip -n pc-lan link add lan0 type bridge; ip -n pc-lan link set lan0 up
i=1
for n in pub srv rcv; do
  ip link add pc$n type veth peer name eth0 netns pc-$n
  ip link set pc$n netns pc-lan; ip -n pc-lan link set pc$n master lan0 up
  ip -n pc-$n link set eth0 up; ip -n pc-$n addr add 10.79.0.$i/24 dev eth0; ip -n pc-$n addr add 2001:db8:79::$i/64 dev eth0 nodad
  i=$((i+1))
done
