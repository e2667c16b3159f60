import sys,time,subprocess,os; sys.path.insert(0,'/tmp')
from ctl import Ctl
def run(size,n,copy,extra=[],backend='ring',secs=2):
    try: os.unlink('/tmp/ring.sock')
    except OSError: pass
    p=subprocess.Popen(['/tmp/mbuild/penstock-distributor','--engine','dpdk','--backend',backend,'--backend-arguments',f'generate={size},copy={copy}','--control','/tmp/ring.sock','--idle','latency','--log-level','warn','--max-receivers-per-rule','16384']+extra)
    try:
        for _ in range(100):
            if os.path.exists('/tmp/ring.sock'): break
            time.sleep(0.05)
        c=Ctl('/tmp/ring.sock')
        r=c.req(do='rule.put',rule=dict(name='a',generation=1,permanent=True,match=dict(address='192.0.2.1',port=5004),media='rtp',receivers=[dict(address=f'10.0.{i>>8}.{(i&255)}',port=6000) for i in range(1,n+1)]))
        assert r['ok'],r
        time.sleep(0.5)
        a=c.req(do='stats'); t=time.monotonic(); time.sleep(secs); b=c.req(do='stats'); t=time.monotonic()-t
        print(size,n,'copy' if copy else 'ref', round((b['sent']['packets']-a['sent']['packets'])/t/1e6,2),'Mpps', 'in',round((b['received']['packets']-a['received']['packets'])/t/1e6,2), b['drops'], 'cpu',round((b['cpuMs']-a['cpuMs'])/t/1000,2),flush=True)
        c.req(do='quit'); p.wait(5)
    finally:
        p.kill()
extra=sys.argv[1:]
for size,n in ((1200,10),(1200,100),(200,100)):
    for copy in (1,0): run(size,n,copy,extra,secs=1.5)
