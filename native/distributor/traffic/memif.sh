# two distributors back to back by memif, each with a tap to its kernel: ping, http and media through both
D=/tmp/mbuild/penstock-distributor
for n in ma mb; do ip netns add pc-$n; ip -n pc-$n link set lo up; done
rm -f /tmp/m.sock /tmp/ma.ctl /tmp/mb.ctl
ip netns exec pc-ma $D --engine dpdk --backend memif --interface m0 --backend-arguments role=server,socket=/tmp/m.sock,socket-abstract=no --no-huge-pages --control /tmp/ma.ctl 2>/tmp/ma.log & A=$!
sleep 2
ip netns exec pc-mb $D --engine dpdk --backend memif --interface m1 --backend-arguments role=client,socket=/tmp/m.sock,socket-abstract=no --no-huge-pages --control /tmp/mb.ctl 2>/tmp/mb.log & B=$!
sleep 2
ip -n pc-ma addr add 10.80.0.1/24 dev m0; ip -n pc-mb addr add 10.80.0.2/24 dev m1; ip -n pc-ma link set m0 up; ip -n pc-mb link set m1 up
ip netns exec pc-mb ping -c 10 -i 0.2 -q 10.80.0.1 | tail -3
ip netns exec pc-ma timeout 8 python3 -m http.server -b 10.80.0.1 8080 >/dev/null 2>&1 &
sleep 1; ip netns exec pc-mb curl -s -o /dev/null -w 'http %{http_code}\n' http://10.80.0.1:8080/ --max-time 3
python3 - <<'P'
import sys; sys.path.insert(0,'/tmp')
from ctl import Ctl
c=Ctl('/tmp/ma.ctl')
print(c.req(do='rule.put',rule=dict(name='cam-1',generation=1,permanent=True,match=dict(address='10.80.0.1',port=5004),media='rtp',receivers=[dict(address='10.80.0.2',port=6000),dict(address='10.80.0.2',port=6001)])))
P
ip netns exec pc-mb python3 /tmp/recv.py 4 1200 10.80.0.2:6000 10.80.0.2:6001 > /tmp/mr.out & R=$!
sleep 0.7; ip netns exec pc-mb python3 /tmp/send.py 10.80.0.1 5004 1000 500 1200
wait $R; cat /tmp/mr.out
python3 - <<'P'
import sys; sys.path.insert(0,'/tmp')
from ctl import Ctl
for n in 'ab':
    c=Ctl(f'/tmp/m{n}.ctl'); print(c.req(do='stats')); c.req(do='quit')
P
sleep 1; cat /tmp/ma.log /tmp/mb.log; kill -9 $A $B 2>/dev/null; for n in ma mb; do ip netns del pc-$n; done
