rm -f /tmp/d.sock
ip netns exec pc-srv ip route replace 10.79.0.0/16 via 10.79.0.3
ip netns exec pc-srv /tmp/mbuild/penstock-distributor --engine dpdk --backend ${1:-af_xdp} --interface eth0 --control /tmp/d.sock --log-level warn & P=$!
while ! [ -S /tmp/d.sock ]; do sleep 0.02; done
ip netns exec pc-rcv python3 /tmp/watch.py 10.79.0.3 6000 untouched & W1=$!
python3 /tmp/churn.py; wait $W1; wait
