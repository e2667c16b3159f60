# kill -9 under load: a kernel socket on the flow's port must get media < 1 s, and a new distributor must take over
b=$1; D=/tmp/mbuild/penstock-distributor; rm -f /tmp/d.sock
cat > /tmp/put.py <<'P'
import sys; sys.path.insert(0,'/tmp')
from ctl import Ctl
c=Ctl('/tmp/d.sock'); r=c.req(do='rule.put',rule=dict(name='cam-1',generation=1,permanent=True,match=dict(address='10.79.0.2',port=5004),media='rtp',receivers=[dict(address='10.79.0.3',port=6000)])); assert r['ok'],r
P
start() { ip netns exec pc-srv $D --engine dpdk --backend $b --interface eth0 --control /tmp/d.sock --log-level warn & P=$!; while ! [ -S /tmp/d.sock ]; do sleep 0.02; done; python3 /tmp/put.py; }
start
cat > /tmp/watch.py <<'P'
import socket,time,struct,sys
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((sys.argv[1],int(sys.argv[2]))); s.settimeout(0.2); end=time.monotonic()+6; last=None
n=0; dup=0; seen=set(); t0=None; times=[]
while time.monotonic()<end:
    try: d=s.recv(4096)
    except socket.timeout: continue
    now=time.monotonic(); i=struct.unpack('!I',d[4:8])[0]; dup+=i in seen; seen.add(i); times.append(now)
gaps=[(b-a,a) for a,b in zip(times,times[1:])]
g=max(gaps)[0] if gaps else None
print(sys.argv[3],'packets',len(times),'first..last',min(seen,default=None),max(seen,default=None),'twice',dup,'longest gap ms',g and round(g*1e3), 'first at',times and round(times[0],3),'last at',times and round(times[-1],3))
P
ip netns exec pc-rcv python3 /tmp/watch.py 10.79.0.3 6000 receiver & W1=$!
ip netns exec pc-srv python3 /tmp/watch.py 10.79.0.2 5004 kernel & W2=$!
sleep 0.3; ip netns exec pc-pub python3 /tmp/send.py 10.79.0.2 5004 4000 1000 600 & S=$!
sleep 1.5; python3 -c 'import time;print("killed at",round(time.monotonic(),3))'; kill -9 $P; rm -f /tmp/d.sock; sleep 0.8; python3 -c 'import time;print("start at",round(time.monotonic(),3))'; start; python3 -c 'import time;print("rule in at",round(time.monotonic(),3))'
wait $W1 $W2 $S; kill $P; wait $P; ip -n pc-srv link show eth0 | grep xdp
