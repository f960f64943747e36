"""Writes GGUF files of made-up models: whole headers, tensor data left as holes.

Of any size at no cost on the disk: memory predictions and libllama's own figures need the shape only.
"""
import os
import sys

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import gguf  # noqa: E402
import numpy as np  # noqa: E402
from gguf.quants import quant_shape_to_byte_shape  # noqa: E402

T = gguf.GGMLQuantizationType


def gen(path, arch, kv, tensors, vocab=32000):
    w=gguf.GGUFWriter(path, arch)
    for k,v in kv.items():
        k=k.replace('A.',arch+'.')
        if isinstance(v,bool): w.add_bool(k,v)
        elif isinstance(v,float): w.add_float32(k,v)
        elif isinstance(v,int): w.add_uint32(k,v)
        elif isinstance(v,str): w.add_string(k,v)
        else: w.add_array(k,list(v))
    w.add_tokenizer_model('llama')
    toks=['<unk>','<s>','</s>']+[f't{i}' for i in range(vocab-3)]
    w.add_token_list(toks); w.add_token_scores([0.0]*vocab); w.add_token_types([2,3,3]+[1]*(vocab-3))
    end=0
    for name,shape,t in tensors:
        np_shape=list(reversed(shape))
        bs,ts=gguf.GGML_QUANT_SIZES[t]
        n=1
        for s in shape:n*=s
        nb=n//bs*ts
        if t==T.F32: w.add_tensor_info(name,np_shape,np.dtype(np.float32),nb)
        else: w.add_tensor_info(name,quant_shape_to_byte_shape(np_shape,t),np.dtype(np.uint8),nb,t)
        end=(end+31)//32*32+nb
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_ti_data_to_file(); w.flush()
    w.close()
    sz=os.path.getsize(path); data=(sz+31)//32*32
    os.truncate(path,data+(end+31)//32*32)
def norm(n,s): return (n,[s],T.F32)
def llama(L,E,H,KV,FF,V,q=T.Q4_K,tied=False,hd=None,arch='llama',nexp=0,nused=0,bias=False,qknorm=False,ffexp=None,shexp=0):
    hd=hd or E//H
    kv={'A.block_count':L,'A.context_length':131072,'A.embedding_length':E,'A.feed_forward_length':FF,'A.attention.head_count':H,'A.attention.head_count_kv':KV,'A.attention.layer_norm_rms_epsilon':1e-5,'A.rope.dimension_count':hd,'A.attention.key_length':hd,'A.attention.value_length':hd,'A.vocab_size':V}
    t=[('token_embd.weight',[E,V],q),norm('output_norm.weight',E)]
    if not tied: t.append(('output.weight',[E,V],T.Q6_K if E%256==0 else q))
    if nexp: kv['A.expert_count']=nexp; kv['A.expert_used_count']=nused
    if ffexp: kv['A.expert_feed_forward_length']=ffexp
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E),(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'ffn_norm.weight',E)]
        if bias: t+=[norm(b+'attn_q.bias',H*hd),norm(b+'attn_k.bias',KV*hd),norm(b+'attn_v.bias',KV*hd)]
        if qknorm: t+=[norm(b+'attn_q_norm.weight',hd),norm(b+'attn_k_norm.weight',hd)]
        if nexp:
            f=ffexp or FF
            t+=[(b+'ffn_gate_inp.weight',[E,nexp],T.F32),(b+'ffn_gate_exps.weight',[E,f,nexp],q),(b+'ffn_up_exps.weight',[E,f,nexp],q),(b+'ffn_down_exps.weight',[f,E,nexp],q)]
        else: t+=[(b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
    return arch,kv,t

def base(arch,L,E,H,KV,FF,V,hd=None,**k):
    hd=hd or E//H
    kv={'A.block_count':L,'A.context_length':131072,'A.embedding_length':E,'A.feed_forward_length':FF,'A.attention.head_count':H,'A.attention.head_count_kv':KV,'A.attention.layer_norm_rms_epsilon':1e-5,'A.attention.layer_norm_epsilon':1e-5,'A.rope.dimension_count':hd,'A.attention.key_length':hd,'A.attention.value_length':hd,'A.vocab_size':V}
    kv.update(k); return kv
def emb(E,V,tied,q): 
    t=[('token_embd.weight',[E,V],q),norm('output_norm.weight',E)]
    if not tied:t.append(('output.weight',[E,V],q))
    return t
def gemma3(L,E,H,KV,FF,V,hd,q,arch='gemma3',swa=512):
    kv=base(arch,L,E,H,KV,FF,V,hd,**{'A.attention.sliding_window':swa})
    if arch=='gemma2': kv.update({'A.attn_logit_softcapping':50.0,'A.final_logit_softcapping':30.0})
    t=emb(E,V,True,q)
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E),(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'post_attention_norm.weight',E),norm(b+'ffn_norm.weight',E),norm(b+'post_ffw_norm.weight',E),
        (b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
        if arch=='gemma3': t+=[norm(b+'attn_q_norm.weight',hd),norm(b+'attn_k_norm.weight',hd)]
    return arch,kv,t
def phi3(L,E,H,KV,FF,V,q):
    hd=E//H; kv=base('phi3',L,E,H,KV,FF,V,hd,**{'A.rope.scaling.original_context_length':131072})
    t=emb(E,V,False,q)
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E),(b+'attn_qkv.weight',[E,H*hd+2*KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'ffn_norm.weight',E),(b+'ffn_up.weight',[E,2*FF],q),(b+'ffn_down.weight',[FF,E],q)]
    return 'phi3',kv,t
def ds2(L,E,H,FF,V,q,qlora,kvl=512,rope=64,nope=128,vh=128,nexp=16,used=4,ffx=256,dense=1,shared=1):
    kv=base('deepseek2',L,E,H,1,FF,V,kvl+rope,**{'A.rope.dimension_count':rope,'A.attention.key_length':kvl+rope,'A.attention.value_length':kvl,'A.attention.key_length_mla':nope+rope,'A.attention.value_length_mla':vh,'A.attention.kv_lora_rank':kvl,'A.leading_dense_block_count':dense,'A.expert_count':nexp,'A.expert_used_count':used,'A.expert_feed_forward_length':ffx,'A.expert_shared_count':shared,'A.expert_weights_scale':1.0,'A.expert_gating_func':1})
    if qlora: kv['A.attention.q_lora_rank']=qlora
    t=emb(E,V,False,q)
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E)]
        if qlora: t+=[(b+'attn_q_a.weight',[E,qlora],q),norm(b+'attn_q_a_norm.weight',qlora),(b+'attn_q_b.weight',[qlora,H*(nope+rope)],q)]
        else: t+=[(b+'attn_q.weight',[E,H*(nope+rope)],q)]
        t+=[(b+'attn_kv_a_mqa.weight',[E,kvl+rope],q),norm(b+'attn_kv_a_norm.weight',kvl),(b+'attn_k_b.weight',[nope,kvl,H],q),(b+'attn_v_b.weight',[kvl,vh,H],q),(b+'attn_output.weight',[H*vh,E],q),norm(b+'ffn_norm.weight',E)]
        if i<dense: t+=[(b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
        else:
            t+=[(b+'ffn_gate_inp.weight',[E,nexp],T.F32),(b+'ffn_gate_exps.weight',[E,ffx,nexp],q),(b+'ffn_up_exps.weight',[E,ffx,nexp],q),(b+'ffn_down_exps.weight',[ffx,E,nexp],q)]
            s=ffx*shared
            t+=[(b+'ffn_gate_shexp.weight',[E,s],q),(b+'ffn_up_shexp.weight',[E,s],q),(b+'ffn_down_shexp.weight',[s,E],q)]
    return 'deepseek2',kv,t
def mamba2_t(b,E,di,ds,g,nh,cv,q):
    return [(b+'ssm_in.weight',[E,2*di+2*g*ds+nh],q),(b+'ssm_conv1d.weight',[cv,di+2*g*ds],T.F32),norm(b+'ssm_conv1d.bias',di+2*g*ds),norm(b+'ssm_dt.bias',nh),(b+'ssm_a',[1,nh],T.F32),(b+'ssm_d',[1,nh],T.F32),(b+'ssm_norm.weight',[di//g,g],T.F32),(b+'ssm_out.weight',[di,E],q)]
def ssmkv(di,ds,g,nh,cv): return {'A.ssm.conv_kernel':cv,'A.ssm.inner_size':di,'A.ssm.state_size':ds,'A.ssm.time_step_rank':nh,'A.ssm.group_count':g}
def mamba2(L,E,V,q,di,ds,g,nh,cv=4):
    kv=base('mamba2',L,E,1,1,1,V,64,**ssmkv(di,ds,g,nh,cv)); kv['A.attention.head_count']=0;kv['A.attention.head_count_kv']=0;kv['A.feed_forward_length']=0
    for k in ('A.rope.dimension_count','A.attention.key_length','A.attention.value_length'): kv.pop(k)
    t=emb(E,V,True,q)
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E)]+mamba2_t(b,E,di,ds,g,nh,cv,q)
    return 'mamba2',kv,t
def mamba1(L,E,V,q,di,ds,dt,cv=4):
    kv=base('mamba',L,E,1,1,1,V,64,**{'A.ssm.conv_kernel':cv,'A.ssm.inner_size':di,'A.ssm.state_size':ds,'A.ssm.time_step_rank':dt}); kv['A.attention.head_count']=0;kv['A.attention.head_count_kv']=0;kv['A.feed_forward_length']=0
    for k in ('A.rope.dimension_count','A.attention.key_length','A.attention.value_length'): kv.pop(k)
    t=emb(E,V,True,q)
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E),(b+'ssm_in.weight',[E,2*di],q),(b+'ssm_conv1d.weight',[cv,di],T.F32),norm(b+'ssm_conv1d.bias',di),(b+'ssm_x.weight',[di,dt+2*ds],q),(b+'ssm_dt.weight',[dt,di],q),norm(b+'ssm_dt.bias',di),(b+'ssm_a',[ds,di],T.F32),norm(b+'ssm_d',di),(b+'ssm_out.weight',[di,E],q)]
    return 'mamba',kv,t
def granitehybrid(L,E,H,KV,FF,V,q,di,ds,g,nh,attn,moe=None,cv=4):
    hd=E//H
    kv=base('granitehybrid',L,E,H,[KV if i in attn else 0 for i in range(L)],FF,V,hd,**ssmkv(di,ds,g,nh,cv)); kv.update({'A.embedding_scale':12.0,'A.residual_scale':0.22,'A.attention.scale':0.0078125,'A.logit_scale':8.0})
    if moe: kv.update({'A.expert_count':moe[0],'A.expert_used_count':moe[1],'A.expert_shared_feed_forward_length':moe[3]})
    t=emb(E,V,True,q)
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E)]
        if i in attn: t+=[(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q)]
        else: t+=mamba2_t(b,E,di,ds,g,nh,cv,q)
        t+=[norm(b+'ffn_norm.weight',E)]
        if moe:
            n,u,f,s=moe
            t+=[(b+'ffn_gate_inp.weight',[E,n],T.F32),(b+'ffn_gate_exps.weight',[E,FF,n],q),(b+'ffn_up_exps.weight',[E,FF,n],q),(b+'ffn_down_exps.weight',[FF,E,n],q)]
            if s: t+=[(b+'ffn_gate_shexp.weight',[E,s],q),(b+'ffn_up_shexp.weight',[E,s],q),(b+'ffn_down_shexp.weight',[s,E],q)]
        else: t+=[(b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
    return 'granitehybrid',kv,t
def lfm2(L,E,H,KV,FF,V,q,attn,lc=3):
    hd=E//H; kv=base('lfm2',L,E,H,[KV if i in attn else 0 for i in range(L)],FF,V,hd,**{'A.shortconv.l_cache':lc})
    t=[('token_embd.weight',[E,V],q),norm('token_embd_norm.weight',E)]
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E),norm(b+'ffn_norm.weight',E),(b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
        if i in attn: t+=[(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'attn_q_norm.weight',hd),norm(b+'attn_k_norm.weight',hd)]
        else: t+=[(b+'shortconv.in_proj.weight',[E,3*E],q),(b+'shortconv.conv.weight',[lc,E],T.F32),(b+'shortconv.out_proj.weight',[E,E],q)]
    return 'lfm2',kv,t
def qwen35(L,E,H,KV,FF,V,q,hd,ds=128,g=16,nh=32,cv=4,interval=4,arch='qwen35'):
    # gated delta net: head_v = ds, n_v_heads=nh(dt_rank), n_k_heads=g
    di=ds*nh
    kv=base(arch,L,E,H,KV,FF,V,hd,**ssmkv(di,ds,g,nh,cv)); kv['A.full_attention_interval']=interval; kv['A.rope.dimension_count']=64; kv['A.rope.dimension_sections']=[11,11,10,0]
    t=emb(E,V,True,q); kd=ds*g
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E),norm(b+'post_attention_norm.weight',E),(b+'ffn_gate.weight',[E,FF],q),(b+'ffn_up.weight',[E,FF],q),(b+'ffn_down.weight',[FF,E],q)]
        if (i+1)%interval==0: t+=[(b+'attn_q.weight',[E,2*H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'attn_q_norm.weight',hd),norm(b+'attn_k_norm.weight',hd)]
        else: t+=[(b+'attn_qkv.weight',[E,2*kd+di],q),(b+'attn_gate.weight',[E,di],q),(b+'ssm_conv1d.weight',[cv,2*kd+di],T.F32),norm(b+'ssm_dt.bias',nh),norm(b+'ssm_a',nh),(b+'ssm_beta.weight',[E,nh],q),(b+'ssm_alpha.weight',[E,nh],q),norm(b+'ssm_norm.weight',ds),(b+'ssm_out.weight',[di,E],q)]
    return arch,kv,t
def gptoss(L,E,H,KV,FF,V,q,hd,nexp,used,swa=128):
    kv=base('gpt-oss',L,E,H,KV,FF,V,hd,**{'A.attention.sliding_window':swa,'A.expert_count':nexp,'A.expert_used_count':used,'A.expert_feed_forward_length':FF})
    t=emb(E,V,False,q)
    for i in range(L):
        b=f'blk.{i}.'; t+=[norm(b+'attn_norm.weight',E),norm(b+'post_attention_norm.weight',E),(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'attn_q.bias',H*hd),norm(b+'attn_k.bias',KV*hd),norm(b+'attn_v.bias',KV*hd),norm(b+'attn_output.bias',E),norm(b+'attn_sinks.weight',H),
         (b+'ffn_gate_inp.weight',[E,nexp],T.F32),norm(b+'ffn_gate_inp.bias',nexp),(b+'ffn_gate_exps.weight',[E,FF,nexp],q),(b+'ffn_up_exps.weight',[E,FF,nexp],q),(b+'ffn_down_exps.weight',[FF,E,nexp],q),(b+'ffn_gate_exps.bias',[FF,nexp],T.F32),(b+'ffn_up_exps.bias',[FF,nexp],T.F32),(b+'ffn_down_exps.bias',[E,nexp],T.F32)]
    return 'gpt-oss',kv,t
def starcoder2(L,E,H,KV,FF,V,q):
    hd=E//H; kv=base('starcoder2',L,E,H,KV,FF,V,hd); t=emb(E,V,True,q)+[norm('output_norm.bias',E)]
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E),norm(b+'attn_norm.bias',E),(b+'attn_q.weight',[E,H*hd],q),(b+'attn_k.weight',[E,KV*hd],q),(b+'attn_v.weight',[E,KV*hd],q),(b+'attn_output.weight',[H*hd,E],q),norm(b+'attn_q.bias',H*hd),norm(b+'attn_k.bias',KV*hd),norm(b+'attn_v.bias',KV*hd),norm(b+'attn_output.bias',E),norm(b+'ffn_norm.weight',E),norm(b+'ffn_norm.bias',E),(b+'ffn_up.weight',[E,FF],q),norm(b+'ffn_up.bias',FF),(b+'ffn_down.weight',[FF,E],q),norm(b+'ffn_down.bias',E)]
    return 'starcoder2',kv,t
def openelm(L,E,Hs,KVs,FFs,V,q,hd):
    kv=base('openelm',L,E,Hs,KVs,FFs,V,hd); t=emb(E,V,True,q)
    for i in range(L):
        b=f'blk.{i}.'
        t+=[norm(b+'attn_norm.weight',E),(b+'attn_qkv.weight',[E,(Hs[i]+2*KVs[i])*hd],q),norm(b+'attn_q_norm.weight',hd),norm(b+'attn_k_norm.weight',hd),(b+'attn_output.weight',[Hs[i]*hd,E],q),norm(b+'ffn_norm.weight',E),(b+'ffn_gate.weight',[E,FFs[i]],q),(b+'ffn_up.weight',[E,FFs[i]],q),(b+'ffn_down.weight',[FFs[i],E],q)]
    return 'openelm',kv,t
