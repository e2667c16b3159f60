# t1.sh backend : functional run in the namespaces: x3 fan-out, v6, vlan-less, ping and http meanwhile
b=$1; D=/tmp/mbuild/penstock-distributor
rm -f /tmp/d.sock
ip netns exec pc-srv $D --engine dpdk --backend $b --interface eth0 --no-huge-pages --control /tmp/d.sock 2>/tmp/d.log & 
for i in $(seq 50); do [ -S /tmp/d.sock ] && break; sleep 0.1; done
DP=$(pgrep -f "^/tmp/mbuild/penstock-distributor" | head -1)
ip netns exec pc-rcv python3 /tmp/recv.py 9 1200 10.79.0.3:6000 10.79.0.3:6001 2001:db8:79::3:6002 > /tmp/r.out & R=$!
ip netns exec pc-srv python3 /tmp/recv.py 9 1200 10.79.0.2:6100 > /tmp/rl.out & RL=$!
ip netns exec pc-srv timeout 9 python3 -m http.server -b 10.79.0.2 8080 >/dev/null 2>&1 &
ip netns exec pc-srv timeout 9 tcpdump -ni eth0 -w /tmp/srv.pcap udp >/dev/null 2>&1 &
ip netns exec pc-rcv timeout 9 tcpdump -ni eth0 -vv -c 3000 udp portrange 6000-6002 >/tmp/rcv.txt 2>/dev/null &
sleep 1
python3 - <<'P'
import sys; sys.path.insert(0,'/tmp')
from ctl import Ctl
c=Ctl('/tmp/d.sock')
print(c.req(do='rule.put',rule=dict(name='cam-1',generation=1,permanent=True,match=dict(address='10.79.0.2',port=5004),media='rtp',receivers=[dict(address='10.79.0.3',port=6000,ttl=9,dscp=34),dict(address='10.79.0.3',port=6001),dict(address='2001:db8:79::3',port=6002),dict(address='10.79.0.99',port=6003),dict(address='10.79.0.2',port=6100)])))
print(c.req(do='rule.put',rule=dict(name='cam-2',generation=1,permanent=True,match=dict(address='239.5.5.5',port=5004),media='rtp',receivers=[dict(address='10.79.0.3',port=7000)])))
P
sleep 0.5
ip netns exec pc-pub python3 /tmp/send.py 10.79.0.2 5004 2000 500 1200 &
ip netns exec pc-pub ping -c 15 -i 0.2 -q 10.79.0.2 | tail -3
ip netns exec pc-pub curl -s -o /dev/null -w 'http %{http_code}\n' http://10.79.0.2:8080/ --max-time 3
ip netns exec pc-pub python3 - <<'P'
import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for i in range(5): s.sendto(b'\x81\xc8\x00\x06'+bytes(24),('10.79.0.2',5004))   # RTCP
for i in range(5): s.sendto(b'hello there, no media',('10.79.0.2',5004))
s.setsockopt(socket.IPPROTO_IP,10,0)  # MTU_DISCOVER dont
for i in range(5): s.sendto(b'\x80\x60'+bytes(3000),('10.79.0.2',5004)) # fragments
P
wait $R $RL
cat /tmp/r.out /tmp/rl.out
python3 - <<'P'
import sys,json; sys.path.insert(0,'/tmp')
from ctl import Ctl
c=Ctl('/tmp/d.sock')
print(json.dumps(c.req(do='stats',receivers=True)))
print(c.req(do='quit'))
P
echo "media seen by the server's kernel taps: $(tcpdump -nr /tmp/srv.pcap udp port 5004 2>/dev/null | wc -l)"
echo "udp sum ok: $(grep -c 'udp sum ok' /tmp/rcv.txt) bad: $(grep -c 'bad udp' /tmp/rcv.txt)"
sleep 0.5; cat /tmp/d.log; ip -n pc-srv link show eth0 | grep xdp; pgrep -fa "^/tmp/mbuild/penstock-distributor"
